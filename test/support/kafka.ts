import { startServer } from './process.js'

export interface KafkaCluster {
  readonly host: string
  /** Of its first broker. */
  readonly port: number
  /** A topic that is there. */
  readonly topic: string
  kill(): Promise<void>
}

const TOPIC = 'jobs'

/**
 * Brokers of librdkafka's mock cluster, which kcat brings: another implementation of the protocol than ours, though
 * not Kafka itself, and without TLS and logins. kcat reads from a topic, so that the cluster lives on.
 */
export async function startKafkaMock(brokers = 1): Promise<KafkaCluster> {
  const server = await startServer({
    name: 'mock cluster of kcat',
    command: 'kcat',
    args: ['-C', '-t', TOPIC, '-b', 'unused', '-d', 'mock', '-X', `test.mock.num.brokers=${brokers}`],
    ready: /bootstrap\.servers=\S+/,
  })
  const [, host = '', port] = /bootstrap\.servers=([\d.]+):(\d+)/.exec(server.log()) ?? []
  await server.waitForLog(/Created topic "jobs"|Topic "jobs".*created|Creating topic "?jobs|FetchRequest/i)
  return { host, port: Number(port), topic: TOPIC, kill: () => server.kill() }
}
