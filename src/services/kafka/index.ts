import {
  type Attempt,
  type Expectation,
  LinkError,
  ProbeError,
  type Service,
  type Session,
} from '../../core/service.js'
import type { Target } from '../../core/target.js'
import {
  API_VERSIONS,
  apiVersions,
  METADATA,
  type Metadata,
  metadata,
  readApiVersions,
  readMetadata,
  type Topic,
} from '../../wire/kafka.js'
import { atOpening } from '../mismatch.js'
import { reachable } from './advertised.js'
import { authenticate, loginOf } from './auth.js'
import { byCode, classifyKafka, nameOf } from './classify.js'
import { Conversation } from './conversation.js'

const UNSUPPORTED_VERSION = 35
const UNKNOWN_TOPIC = 3

/** The versions of Metadata that a probe speaks. */
const [LEAST_METADATA, MOST_METADATA] = [1, 4]

/** Kafka and what speaks its protocol, by an own client of the wire. */
export const kafka: Service = {
  name: 'kafka',
  abilities: ['schema'],
  classify: classifyKafka,
  async open(target, attempt) {
    const login = loginOf(target)
    const link = await attempt.connect()
    try {
      if (target.tls.mode !== 'disable') await attempt.step('tls', () => link.startTls())
      const talk = new Conversation(link)
      const version = await attempt.step('handshake', () => greet(talk))
      if (login) await attempt.step('auth', () => authenticate(talk, login))
      return session(talk, target, attempt, version, login !== undefined)
    } catch (error) {
      link.close()
      throw atOpening(error)
    }
  },
}

/** The version of Metadata to ask for. */
async function greet(talk: Conversation): Promise<number> {
  const ask = (version: 0 | 3) =>
    talk.ask(
      n => apiVersions(n, version),
      body => readApiVersions(body, version),
    )
  const newest = await ask(3)
  const { error, versions } = newest.error === UNSUPPORTED_VERSION ? await ask(0) : newest
  if (error !== 0) throw new ProbeError(byCode(error))
  const [least, most] = versions.get(METADATA) ?? [-1, -1]
  const version = Math.min(most, MOST_METADATA)
  if (version >= Math.max(least, LEAST_METADATA)) return version
  throw new ProbeError({
    reason: 'protocol-mismatch',
    code: String(UNSUPPORTED_VERSION),
    message: versions.has(METADATA)
      ? `the broker serves Metadata ${least} to ${most}, a probe asks for ${LEAST_METADATA} to ${MOST_METADATA}`
      : `this is no broker: of ${versions.size} requests, ${API_VERSIONS} among them, it does not serve Metadata`,
    advice: 'Name a listener of a broker; that of a KRaft controller serves no clients.',
  })
}

function session(
  talk: Conversation,
  target: Target,
  { signal }: Attempt,
  version: number,
  loggedIn: boolean,
): Session {
  const { link } = talk
  const look = (topics: readonly string[] | undefined) =>
    talk.ask(
      n => metadata(n, version, topics),
      body => readMetadata(body, version),
    )
  return {
    server: { product: 'Kafka' },
    closed: link.closed,
    async ping() {
      const found = await look([]).catch(error => {
        throw !loggedIn && error instanceof LinkError ? wantsLogin(error) : error
      })
      serves(found)
      await reachable(found.brokers, target, signal)
    },
    async missing({ tables = [], columns = [], extensions = [] }: Expectation) {
      const [other] = [
        ...columns.map(name => `column ${name}`),
        ...extensions.map(name => `extension ${name}`),
      ]
      if (other)
        throw new ProbeError({
          reason: 'client-misuse',
          message: `Kafka cannot be asked for ${other}`,
          advice: 'Expect topics, as tables.',
        })
      if (tables.length === 0) return undefined
      // Before version 4 a name could create its topic.
      const { topics } = await look(version >= 4 ? tables : undefined)
      const missing = tables.filter(name => isMissing(topics.find(topic => topic.name === name)))
      return missing.length > 0 ? missing.map(name => `topic ${name}`).join(', ') : undefined
    },
    close: async () => link.close(),
  }
}

/** A broker knows of brokers, and of one that controls them. */
function serves({ brokers, controller }: Metadata): void {
  if (brokers.length > 0 && controller >= 0) return
  throw new ProbeError({
    reason: 'server-not-ready',
    code: brokers.length === 0 ? '8' : '41',
    message: brokers.length === 0 ? 'the broker knows of no broker yet' : 'the cluster has no controller yet',
  })
}

/** Throws where the topic is there and cannot be used. */
function isMissing(topic: Topic | undefined): boolean {
  if (!topic || topic.error === UNKNOWN_TOPIC) return true
  const error =
    topic.error || topic.partitions.find(code => code !== 0 && nameOf(code) !== 'REPLICA_NOT_AVAILABLE')
  if (error) throw new ProbeError(byCode(error, `topic ${topic.name}: ${nameOf(error)}`))
  return false
}

/** A listener with SASL closes without a word where anything but a login follows the greeting. */
const wantsLogin = (error: LinkError): ProbeError =>
  new ProbeError({
    reason: 'connection-lost',
    code: error.code,
    message: `${error.message} at the first question after its greeting`,
    advice:
      'A listener with SASL does so where nobody logs in: put user and password into the address, kafka://USER:PASSWORD@host.',
  })
