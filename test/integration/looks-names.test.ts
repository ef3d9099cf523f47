import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lookInNetns } from '../support/looks.js'
import { NETNS } from '../support/netns.js'
import { tempFolder } from '../support/root.js'

const HOSTS = '127.0.0.1 localhost\n'
const ids = (concerns: readonly { id: string }[]) => concerns.map(({ id }) => id)
/** Lines for the namespace's resolv.conf. */
const resolv = (...lines: string[]) => [
  `printf '%s\\n' ${lines.map(line => `'${line}'`).join(' ')} > /etc/resolv.conf`,
]

describe('a name that resolves', () => {
  test('from the hosts file is told with its line', async () => {
    const { facts, concerns } = await lookInNetns(
      { look: 'names', address: 'tcp://DB:7001', listen: [{ host: '127.0.0.2', port: 7001 }] },
      { hosts: `${HOSTS}127.0.0.2 other db # x\n` },
    )
    expect(facts).toEqual({ resolvedFrom: 'the hosts file, line 2', addresses: '127.0.0.2' })
    expect(concerns).toEqual([])
  })

  test('from DNS is told with its server and the search domain that was appended', async () => {
    const { facts } = await lookInNetns(
      { look: 'names', address: 'tcp://db:7001', zone: { 'db.shop.svc.cluster.local': '127.0.0.3' } },
      {
        hosts: HOSTS,
        setup: resolv(
          'nameserver 127.0.0.1',
          'search default.svc.cluster.local shop.svc.cluster.local',
          'options ndots:5',
        ),
      },
    )
    expect(facts).toEqual({
      resolvedFrom:
        'DNS, 127.0.0.1, as db.shop.svc.cluster.local (search domain shop.svc.cluster.local, ndots 5)',
      addresses: '127.0.0.3',
    })
  })

  test('at the second name server, where the first one is not there, names the second', async () => {
    const { facts } = await lookInNetns(
      { look: 'names', address: 'tcp://db.test:7001', zone: { 'db.test': '127.0.0.3' } },
      { hosts: HOSTS, setup: resolv('nameserver 127.0.0.9', 'nameserver 127.0.0.1') },
    )
    expect(facts.resolvedFrom).toBe('DNS, 127.0.0.1')
  })

  test('to itself is a literal address', async () => {
    const { facts } = await lookInNetns({ look: 'names', address: 'tcp://[::1]:7001' })
    expect(facts).toEqual({ resolvedFrom: 'a literal address' })
  })

  test('to several addresses of which one is dead is a concern, though the target is ready', async () => {
    const { facts, concerns, verdict } = await lookInNetns({
      look: 'names',
      address: 'tcp://localhost:7001',
      listen: [{ host: '127.0.0.1', port: 7001 }],
    })
    expect(verdict.ready).toBe(true)
    expect(facts.addresses).toBe('::1 does not (ECONNREFUSED), 127.0.0.1 answers')
    expect(concerns).toMatchObject([
      {
        id: 'dead-address',
        level: 'warning',
        target: 'tcp',
        fix: 'tcp://127.0.0.1:7001',
        where: 'the hosts file, line 1 and 2',
      },
    ])
  })

  test('to an address that keeps silent is told within the patience', async () => {
    const { facts, concerns } = await lookInNetns(
      { look: 'names', address: 'tcp://db:7001', listen: [{ host: '127.0.0.2', port: 7001 }] },
      { hosts: `${HOSTS}127.0.0.2 db\n${NETNS.blackhole} db\n` },
    )
    expect(facts.addresses).toContain(`${NETNS.blackhole} does not (ETIMEDOUT)`)
    expect(ids(concerns)).toEqual(['dead-address'])
  })

  test('is told for each of several hosts', async () => {
    const { facts } = await lookInNetns(
      { look: 'names', address: 'postgres://a:7001,b:7002/app' },
      { hosts: `${HOSTS}127.0.0.2 a\n127.0.0.3 b\n` },
    )
    expect(facts).toMatchObject({
      'resolvedFrom of a': 'the hosts file, line 2',
      'resolvedFrom of b': 'the hosts file, line 3',
    })
  })
})

describe('a name that does not exist', () => {
  test('is told with the names that were asked for and one near it', async () => {
    const { facts, concerns } = await lookInNetns(
      { look: 'names', address: 'tcp://postgers:7001', zone: {} },
      { hosts: `${HOSTS}127.0.0.2 postgres\n`, setup: resolv('nameserver 127.0.0.1', 'search corp.test') },
    )
    expect(facts.asked).toBe('127.0.0.1 for postgers.corp.test: ENOTFOUND, 127.0.0.1 for postgers: ENOTFOUND')
    expect(concerns).toMatchObject([
      {
        id: 'unknown-name',
        level: 'error',
        message: expect.stringContaining('postgres is a name here'),
        advice: 'Write postgres instead of postgers.',
        fix: 'tcp://postgres:7001',
      },
    ])
  })

  test('is told with a service of the Compose file that answers on the port', async () => {
    const folder = tempFolder('tree')
    mkdirSync(join(folder, 'app'))
    writeFileSync(
      join(folder, 'compose.yaml'),
      'services:\n  backend: {}\n  warehouse:\n    image: postgres\n',
    )
    const { concerns } = await lookInNetns(
      {
        look: 'names',
        address: 'postgres://app:hunter22@db:7001/app',
        source: 'env:DATABASE_URL',
        env: { DATABASE_URL: 'postgres://app:hunter22@db:7001/app' },
        folder: join(folder, 'app'),
        zone: {},
        listen: [{ host: '127.0.0.2', port: 7001 }],
      },
      { hosts: `${HOSTS}127.0.0.2 warehouse\n` },
    )
    expect(concerns).toMatchObject([
      {
        id: 'unknown-name',
        where: 'env:DATABASE_URL',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
        fix: 'export DATABASE_URL="${DATABASE_URL/@db/@warehouse}"',
      },
    ])
    expect(JSON.stringify(concerns)).not.toContain('hunter22')
  })

  test('on a runner of GitHub, outside of a container, is localhost with the published port', async () => {
    const { concerns } = await lookInNetns(
      {
        look: 'names',
        address: 'postgres://app@db:7001/app',
        root: tempFolder('root'),
        env: { GITHUB_ACTIONS: 'true' },
        zone: {},
        listen: [{ host: '127.0.0.1', port: 7001 }],
      },
      { hosts: HOSTS },
    )
    expect(concerns[0]?.advice).toMatch(/^On the runner itself.*Write localhost instead of db\.$/)
  })

  test('is not said of one whose name server is not there: that one is named', async () => {
    const { concerns, verdict } = await lookInNetns({ look: 'names', address: 'tcp://db:7001' })
    expect(verdict).toMatchObject({ finding: { code: 'EAI_AGAIN' } })
    expect(concerns).toMatchObject([
      { id: 'resolver-unreachable', message: 'no name server answered for db: 127.0.0.1 (ECONNREFUSED)' },
    ])
  })

  test('nor of one whose name server keeps silent, and the look ends with its signal', async () => {
    const { concerns } = await lookInNetns(
      { look: 'names', address: 'tcp://db:7001', timeoutMs: 8000 },
      { resolver: 'silent' },
    )
    expect(concerns).toMatchObject([
      { id: 'resolver-unreachable', message: expect.stringContaining('127.0.0.1 (ETIMEOUT)') },
    ])
  })
})

describe('localhost inside a container', () => {
  const inContainer = () => {
    const root = tempFolder('root')
    writeFileSync(join(root, '.dockerenv'), '')
    mkdirSync(join(root, 'proc/net'), { recursive: true })
    // 127.0.0.7 in the kernel's writing.
    writeFileSync(
      join(root, 'proc/net/route'),
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t0700007F\t0003\t0\t0\t0\t00000000\n',
    )
    return root
  }
  const env = { DB_HOST: 'localhost', DB_PORT: '7001', DB_NAME: 'app' }
  const scene = {
    look: 'origins',
    address: 'postgres://localhost:7001/app',
    source: 'env:DB_HOST',
    env,
  } as const

  test('is told with the service that answers, as a line for the variable', async () => {
    const { concerns } = await lookInNetns(
      { ...scene, root: inContainer(), listen: [{ host: '127.0.0.2', port: 7001 }] },
      { hosts: `${HOSTS}127.0.0.3 db\n127.0.0.2 postgres\n` },
    )
    expect(concerns).toMatchObject([
      {
        id: 'localhost-in-container',
        level: 'error',
        message: expect.stringMatching(
          /^inside a container localhost is the container itself \(\/\.dockerenv\); port 7001 answers on postgres$/,
        ),
        fix: 'export DB_HOST=postgres',
        where: 'env:DB_HOST',
      },
    ])
  })

  test("is told with the gateway where the server runs on the container's host", async () => {
    const { concerns } = await lookInNetns(
      { ...scene, root: inContainer(), listen: [{ host: '127.0.0.7', port: 7001 }] },
      { hosts: HOSTS },
    )
    expect(concerns).toMatchObject([
      { advice: "Connect to the container's host by 127.0.0.7.", fix: 'export DB_HOST=127.0.0.7' },
    ])
  })

  test('is told without a name where none answers', async () => {
    const { concerns } = await lookInNetns({ ...scene, root: inContainer() }, { hosts: HOSTS })
    expect(concerns).toMatchObject([
      { id: 'localhost-in-container', message: expect.stringContaining('none of db, postgres') },
    ])
    expect(concerns[0]?.fix).toBeUndefined()
  })

  test('is no concern where the server answers there, nor outside of a container', async () => {
    const there = await lookInNetns(
      {
        ...scene,
        address: 'tcp://localhost:7001',
        root: inContainer(),
        listen: [{ host: '127.0.0.1', port: 7001 }],
      },
      { hosts: HOSTS },
    )
    const outside = await lookInNetns({ ...scene, root: tempFolder('root') }, { hosts: HOSTS })
    expect(ids([...there.concerns, ...outside.concerns])).toEqual([])
  })
})

test('the surroundings tell container, build server, gateway, resolvers and the names that are known here', async () => {
  const root = tempFolder('root')
  mkdirSync(join(root, 'run'))
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'run/.containerenv'), '')
  writeFileSync(join(root, 'etc/resolv.conf'), 'nameserver 127.0.0.11\n')
  const { facts, concerns } = await lookInNetns(
    { look: 'surroundings', address: 'redis://localhost:7001', root, env: { GITLAB_CI: 'true' } },
    { hosts: `${HOSTS}127.0.0.2 redis\n` },
  )
  expect(facts).toEqual({
    container: 'podman (/run/.containerenv)',
    ci: 'GitLab CI',
    addresses: expect.stringContaining('10.99.0.1/24'),
    resolvers: "127.0.0.11 (Docker's)",
    usualNames: 'redis (127.0.0.2)',
  })
  expect(concerns).toEqual([])
})
