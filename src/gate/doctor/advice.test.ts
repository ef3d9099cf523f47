import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeService } from '../../../test/support/fake-service.js'
import type { ReasonId } from '../../core/reasons.js'
import { parseTarget } from '../../core/target.js'
import type { NotReady, Step } from '../../core/verdict.js'
import { systemClock } from '../../io/clock.js'
import { SCHEMES } from '../../services/registry.js'
import { hbaLine } from './advice/access.js'
import type { Case } from './advice/case.js'
import { usualPort } from './advice/ports.js'
import { adviseOn } from './advice.js'
import type { Around } from './around.js'

const NOWHERE: Around = {
  inContainer: () => false,
  ownAddresses: () => [],
  hostNames: () => [],
  serviceNames: async () => [],
  machineNames: () => [],
  best: async () => undefined,
  speaks: async () => undefined,
  listening: () => [],
}

interface Given {
  readonly address?: string
  readonly reason: ReasonId
  readonly message?: string
  readonly code?: string
  readonly tried?: string
  readonly around?: Partial<Around>
}

function caseOf(
  { address = 'postgres://app:pw@db:5433/app', ...given }: Given,
  more: Partial<Case> = {},
): Case {
  const { reason, message = 'as the server says', code, tried, around } = given
  const target = parseTarget(address, { schemes: SCHEMES, source: 'env:DATABASE_URL' })
  const steps: Step[] = tried ? [{ layer: 'tcp', address: tried, ms: 1, state: 'failed' }] : []
  const verdict: NotReady = {
    target: 'db',
    ready: false,
    steps,
    heard: false,
    layer: 'auth',
    finding: { reason, message, ...(code ? { code } : {}) },
  }
  return {
    subject: {
      target,
      service: fakeService(systemClock),
      verdict,
      sources: [{ kind: 'url', variable: 'DATABASE_URL' }],
      env: {},
      signal: new AbortController().signal,
    },
    verdict,
    by: 'basic',
    facts: {},
    recovered: false,
    around: { ...NOWHERE, ...around },
    again: async () => verdict,
    ...more,
  }
}

const speaking =
  (...there: [at: string, what: string][]): Around['speaks'] =>
  async endpoint => {
    const at = 'path' in endpoint ? endpoint.path : `${endpoint.address}:${endpoint.port}`
    return there.find(([where]) => where === at)?.[1]
  }

describe('a refused connection', () => {
  const refused = { reason: 'connection-refused', tried: '10.0.0.5' } as const

  test('is a wrong port only where the service itself answers on the usual one', async () => {
    const right = { ...refused, around: { speaks: speaking(['10.0.0.5:5432', 'PostgreSQL']) } }
    const { fix } = await adviseOn(caseOf(right))
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
    expect(fix).toBe('export DATABASE_URL="${DATABASE_URL/@db:5433/@db:5432}"')
    const other = { ...refused, around: { speaks: speaking(['10.0.0.5:5432', 'MySQL']) } }
    expect((await adviseOn(caseOf(other))).message).toBe('nothing listens on db:5433')
  })

  test('is a matter of listen_addresses where the address is of this machine and its loopback answers', async () => {
    const around = { ownAddresses: () => ['10.0.0.5'], speaks: speaking(['127.0.0.1:5433', 'PostgreSQL']) }
    const { message, fix } = await adviseOn(caseOf({ ...refused, around }))
    expect(message).toContain('listen_addresses=localhost')
    expect(fix).toContain('ALTER SYSTEM SET listen_addresses')
    const elsewhere = await adviseOn(caseOf({ ...refused, around: { ...around, ownAddresses: () => [] } }))
    expect(elsewhere.message).toBe('nothing listens on db:5433')
    expect(elsewhere.advice).toContain('listen_addresses')
  })

  test.each([
    ['redis://db:6379', '127.0.0.1:6379', 'Redis', 'CONFIG SET bind'],
    ['mysql://db:3306/app', '127.0.0.1:3306', 'MySQL', 'bind-address'],
  ])('of %s has its own setting', async (address, at, what, setting) => {
    const around = { ownAddresses: () => ['10.0.0.5'], speaks: speaking([at, what]) }
    expect((await adviseOn(caseOf({ ...refused, address, around }))).fix).toContain(setting)
  })

  test('of localhost in a container names the container that is meant, or the machine around it', async () => {
    const local = { ...refused, address: 'postgres://app@localhost/app', tried: '127.0.0.1' }
    const inContainer = () => true
    const serviceNames = async () => ['db', 'postgres']
    const here = { inContainer, serviceNames, best: async () => ({ name: 'db', answers: true }) }
    expect(await adviseOn(caseOf({ ...local, around: here }))).toMatchObject({
      advice: 'Use the name of the service\'s container, "db".',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
      fix: 'export DATABASE_URL="${DATABASE_URL/@localhost/@db}"',
    })
    const around = { ...here, best: async () => ({ name: '172.17.0.1', answers: true }) }
    expect((await adviseOn(caseOf({ ...local, around }))).advice).toContain('machine around the container')
    const nothing = await adviseOn(caseOf({ ...local, around: { inContainer } }))
    expect(nothing.advice).toContain('host.docker.internal')
    expect(nothing.fix).toBe('ss -ltn')
    const outside = await adviseOn(
      caseOf({ ...local, around: { serviceNames, best: async () => ({ name: 'db', answers: true }) } }),
    )
    expect(outside.message).toBe('nothing listens on localhost:5432')
  })
})

describe('a closed port of localhost in a container', () => {
  const local = { reason: 'connection-refused', tried: '127.0.0.1' } as const
  const address = 'postgres://app@127.0.0.1:57432/app'
  const inContainer = () => true

  test('is a wrong port where the service answers on another one of this machine', async () => {
    const listening = () => [22, 57431, 6379]
    const speaks = speaking(['127.0.0.1:57431', 'PostgreSQL'], ['127.0.0.1:6379', 'Redis'])
    const around = { inContainer, listening, speaks, machineNames: () => ['10.0.0.1'] }
    expect(await adviseOn(caseOf({ ...local, address, around }))).toMatchObject({
      message: 'nothing listens on port 57432; PostgreSQL answers on port 57431 of the same host',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
      fix: 'export DATABASE_URL="${DATABASE_URL/@127.0.0.1:57432/@127.0.0.1:57431}"',
    })
  })

  test('is not answered with a machine that refuses, too', async () => {
    const best = async () => ({ name: '10.0.0.1', answers: false })
    const around = { inContainer, best, machineNames: () => ['10.0.0.1'] }
    const { message, advice, fix } = await adviseOn(caseOf({ ...local, address, around }))
    expect(message).toMatch(/nothing listens in it on port 57432, nor at 10\.0\.0\.1$/)
    expect(advice).toMatch(/^Start the server, correct the port/)
    expect(fix).toBe('ss -ltn')
  })

  test('is a guess where the container of that name does not answer', async () => {
    const best = async () => ({ name: 'db', answers: false })
    const around = { inContainer, best, serviceNames: async () => ['db'] }
    expect((await adviseOn(caseOf({ ...local, address, around }))).advice).toBe(
      'Perhaps the name of the service\'s container is meant, "db"; nothing answers there on port 57432 now.',
    )
  })
})

describe('a name that does not resolve', () => {
  const unknown = { reason: 'dns-failure', code: 'ENOTFOUND', address: 'redis://redsi' } as const

  test('is corrected to the nearest one that is known', async () => {
    const around = { serviceNames: async () => ['db', 'redis'] }
    const { message, advice } = await adviseOn(caseOf({ ...unknown, around }))
    expect(message).toBe('the name "redsi" does not resolve (ENOTFOUND); the nearest known name is "redis"')
    expect(advice).toBe('Use the name "redis".')
    const inFile = await adviseOn(caseOf({ ...unknown, around: { hostNames: () => ['redis'] } }))
    expect(inFile.advice).toBe('Use the name "redis".')
  })

  test('else to one under which the service answers, and is not guessed', async () => {
    const around = {
      serviceNames: async () => ['cache'],
      best: async () => ({ name: 'cache', answers: true }),
    }
    expect((await adviseOn(caseOf({ ...unknown, around }))).message).toContain('here is "cache"')
    const { fix } = await adviseOn(caseOf({ ...unknown, around: { serviceNames: async () => ['db'] } }))
    expect(fix).toBe('getent hosts redsi')
  })
})

describe('the line of pg_hba.conf', () => {
  const no = (host: string, how = 'no encryption') =>
    `no pg_hba.conf entry for host "${host}", user "app", database "shop", ${how}`

  test.each([
    [no('192.168.1.5'), 'host shop app 192.168.1.5/32 scram-sha-256'],
    [no('fe80::1'), 'host shop app fe80::1/128 scram-sha-256'],
    [no('10.0.0.7', 'SSL encryption'), 'hostssl shop app 10.0.0.7/32 scram-sha-256'],
    [no('10.0.0.7', 'SSL off'), 'host shop app 10.0.0.7/32 scram-sha-256'],
    ['pg_hba.conf rejects connection for host "10.0.0.7", user …', 'host shop app 10.0.0.7/32 scram-sha-256'],
    [no('[local]'), 'local shop app scram-sha-256'],
  ])('for: %s', (message, line) => {
    expect(hbaLine(message, 'app', 'shop')).toBe(line)
  })

  test('quotes names that the file would read otherwise', () => {
    expect(hbaLine(no('10.0.0.7'), 'all', 'my shop')).toBe('host "my shop" "all" 10.0.0.7/32 scram-sha-256')
  })

  test('takes nothing from a server but an address', () => {
    fc.assert(
      fc.property(fc.string(), host => {
        const line = hbaLine(no(host.replaceAll('"', '')), 'app', 'shop')
        expect(line ?? 'host shop app 1/32 scram-sha-256').toMatch(
          /^(host shop app [0-9A-Fa-f:.]+\/\d+|local shop app) scram-sha-256$/,
        )
      }),
    )
  })

  test('is no answer where TLS is what lacks', async () => {
    const address = 'postgres://app:pw@db/app?sslmode=disable'
    const given = { reason: 'access-denied', code: '28000', message: no('10.0.0.7'), address } as const
    let mode: string | undefined
    const again: Case['again'] = async target => {
      mode = target.tls.mode
      return { target: 'db', ready: true, steps: [], heard: true, server: { product: 'P' } }
    }
    const { fix, message } = await adviseOn(caseOf(given, { again }))
    expect(mode).toBe('require')
    expect(message).toContain('the server requires TLS')
    expect(fix).toContain('sslmode=require')
    expect((await adviseOn(caseOf(given))).fix).toMatch(/^host app app 10\.0\.0\.7\/32/)
  })
})

describe('a rejected login', () => {
  test('says where its password came from', async () => {
    const given = { reason: 'authentication-failed', code: '28P01', message: 'no' } as const
    expect((await adviseOn(caseOf(given))).message).toBe('no; the password came from DATABASE_URL')
    const none = await adviseOn(caseOf({ ...given, address: 'postgres://app@db/app' }))
    expect(none.message).toBe('no; no password was given')
  })

  test('of a role that does not exist is answered with the role', async () => {
    const given = {
      reason: 'authentication-failed',
      code: '28000',
      message: 'role "app" does not exist',
    } as const
    expect((await adviseOn(caseOf(given))).fix).toBe(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
      'createuser -h db -p 5433 -U "${PGADMIN:-postgres}" --pwprompt app',
    )
  })
})

describe('the administrator', () => {
  const given = { reason: 'database-not-found', address: 'postgres://app:pw@db/shop' } as const
  const fixIn = async (env: Record<string, string>) => {
    const of = caseOf(given)
    return (await adviseOn({ ...of, subject: { ...of.subject, env } })).fix
  }

  test('is what PGADMIN says when the line is pasted, else postgres', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
    expect(await fixIn({})).toContain(' -U "${PGADMIN:-postgres}" ')
  })

  test('is POSTGRES_USER of the image where the environment has it', async () => {
    expect(await fixIn({ POSTGRES_USER: 'shop' })).toContain(' -U shop ')
  })
})

describe('a Redis that wants another password', () => {
  const given = { reason: 'authentication-failed', message: 'NOAUTH Authentication required.' } as const

  test.each([
    ['redis://db/0', "'redis://:PASSWORD@db/0'", 'requirepass'],
    ['redis://:wrong-one@db:7000/1', "'redis://:PASSWORD@db:7000/1'", 'requirepass'],
    ['redis://app:wrong-one@db', "'redis://app:PASSWORD@db'", 'ACL SETUSER app'],
  ])('at %s names the variable to set, and where the server keeps it', async (address, value, kept) => {
    const { advice, fix } = await adviseOn(caseOf({ ...given, address }))
    expect(fix?.replaceAll("'", '')).toBe(`export DATABASE_URL=${value.replaceAll("'", '')}`)
    expect(advice).toContain(kept)
  })
})

describe('whatever an address holds', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
  const RUN = '$(touch${IFS}ran)`touch${IFS}ran`'
  const enc = encodeURIComponent(RUN)
  const sources = [[{ kind: 'url', variable: 'DATABASE_URL' }], []] as const
  const cases: [ReasonId, string, string, string?][] = [
    ['dns-failure', `postgres://app:x@${enc}/app`, 'no such name'],
    ['dns-failure', 'postgres://app:x@-rf/app', 'no such name'],
    ['dns-failure', `postgres://app:x@postgres-database-main${enc}/app`, 'no such name'],
    ['connection-refused', 'postgres://app:x@localhost/app', 'refused'],
    ['authentication-failed', `postgres://${enc}:x@db/app`, 'no', '28P01'],
    ['authentication-failed', `postgres://${enc}:x@db/app`, 'no', '28000'],
    ['authentication-failed', `mysql://${enc}:x@db/app`, 'no', '1045'],
    ['authentication-failed', `redis://${enc}:x@${enc}/0`, 'WRONGPASS'],
    ['access-denied', `postgres://${enc}:x@db/${enc}`, 'no pg_hba.conf entry for host "10.0.0.7", user'],
    ['access-denied', `postgres://${enc}:x@db/${enc}`, 'no', '42501'],
    ['access-denied', `mysql://${enc}:x@db/${enc}`, 'no', '1044'],
    ['access-denied', `mysql://app:x@db/app`, 'no', '1044'],
    ['database-not-found', `postgres://${enc}:x@db/${enc}`, 'no'],
    ['database-not-found', `mysql://${enc}:x@db/${enc}`, 'no'],
    ['database-not-found', `clickhouse://${enc}:x@db/${enc}`, 'no'],
    ['database-not-found', `amqp://${enc}:x@db/${enc}`, 'no'],
    ['server-not-ready', `postgres://${enc}:x@db/${enc}`, 'no'],
    ['tls-failure', `postgres://${enc}:x@${enc}/${enc}?sslmode=require`, 'the server offers none'],
    ['schema-missing', `postgres://${enc}:x@db/${enc}`, 'missing: extension pgcrypto'],
    ['too-many-connections', `postgres://${enc}:x@db/${enc}`, 'full'],
  ]

  test.each(cases)('%s at %s has no fix that runs it', async (reason, address, message, code) => {
    for (const names of [[], [`db${RUN}`, 'postgres-database-main', `localhost${RUN}`]]) {
      for (const source of sources) {
        const serviceNames = async () => names
        const best = async () => (names[0] ? { name: names[0], answers: false } : undefined)
        const around = { inContainer: () => true, serviceNames, best, machineNames: () => names }
        const given = { reason, address, message, ...(code ? { code } : {}), around }
        const of = caseOf(given)
        const { fix = '' } = await adviseOn({ ...of, subject: { ...of.subject, sources: source } })
        expect(runs(fix), fix).toEqual([])
        expect(fix).not.toMatch(/(?<! --) -rf/)
      }
    }
  })
})

/** What a shell that can run nothing but `touch` runs of a line. */
function runs(line: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-fix-'))
  try {
    // Substitutions are made before the command that they stand in is looked for.
    const touch = 'touch() { : > ran; }'
    const options = { cwd: folder, env: { PATH: '/nowhere' } }
    const { error } = spawnSync('/bin/bash', ['-c', `${touch}\nDATABASE_URL=x\n${line}`], options)
    if (error) throw error
    return readdirSync(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('names are quoted before they come into a command', async () => {
  const address = 'postgres://app:pw@db/x%3B%20rm%20-rf%20%7E'
  const { fix } = await adviseOn(caseOf({ reason: 'database-not-found', address }))
  expect(fix).toBe(`createdb -h db -p 5432 -U "\${PGADMIN:-postgres}" -O app 'x; rm -rf ~'`)
})

test('a full server is told with its numbers where they are known, and with what the program wants', async () => {
  const given = { reason: 'too-many-connections', message: 'sorry, too many clients already' } as const
  const of = caseOf(given, { facts: { connectionsUsed: 97, connectionsMax: 100 }, pool: 40 })
  const { message } = await adviseOn({ ...of, subject: { ...of.subject, pool: { max: 10, processes: 4 } } })
  expect(message).toBe(
    "the server is full: sorry, too many clients already; 97 of 100 are used; the program's pool of 10 × 4 processes wants 40",
  )
  const role = caseOf({ ...given, message: 'too many connections for role "app"' })
  expect((await adviseOn(role)).advice).toContain('ALTER ROLE … CONNECTION LIMIT')
})

test('what is missing is brought by the migrations, and an extension by itself', async () => {
  const given = { reason: 'schema-missing', message: 'missing: table a, extension pgcrypto' } as const
  expect((await adviseOn(caseOf(given, { migrate: 'npm run migrate' }))).fix).toBe('npm run migrate')
  expect((await adviseOn(caseOf(given))).fix).toBe(
    `psql -h db -p 5433 -U "\${PGADMIN:-postgres}" -d app -c 'CREATE EXTENSION IF NOT EXISTS "pgcrypto";'`,
  )
})

test('a first connection that failed before a second one worked is told as that', async () => {
  const { message, fix } = await adviseOn(caseOf({ reason: 'connection-lost' }, { recovered: true }))
  expect(message).toBe('as the server says; a later connection worked')
  expect(fix).toBe('holdfast wait env:DATABASE_URL')
})

test('what nobody knows better keeps the words of the table', async () => {
  const { advice, message } = await adviseOn(caseOf({ reason: 'resource-exhausted' }))
  expect([message, advice]).toEqual(['as the server says', 'Free the named resource.'])
})

test('a service that says nothing of its own has no usual port', () => {
  expect(['postgres', 'redis', 'mysql', 'rabbitmq', 'tcp', 'http', 'exec'].map(usualPort)).toEqual([
    5432,
    6379,
    3306,
    5672,
    undefined,
    undefined,
    undefined,
  ])
})
