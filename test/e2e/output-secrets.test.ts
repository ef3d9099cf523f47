import { Buffer } from 'node:buffer'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCall } from '../../src/cli/parse.js'
import { WAIT } from '../../src/cli/spec.js'
import { waitVerb } from '../../src/cli/wait.js'
import { HoldfastError } from '../../src/core/errors.js'
import { holdfast } from '../support/cli.js'
import { type Peer, startPeer } from '../support/peer.js'
import { tempFolder } from '../support/root.js'

/** Says what it was told, in the error of every protocol, plain and decoded: the worst of all servers. */
async function startParrot(): Promise<Peer> {
  return startPeer(async connection => {
    const words: string[] = []
    const told = String(await connection.readSome())
    words.push(told)
    const basic = /basic (\S+)/i.exec(told)?.[1]
    const decoded = Buffer.from(basic ?? '', 'base64').toString()
    // A status line is no UTF-8: what it garbles is no longer the secret.
    if (/^[ -~]*$/.test(decoded)) words.push(decoded)
    const line = words.join(' ').replaceAll(/[\r\n]+/g, ' ')
    const http = /^GET /.test(told)
    await connection.send(
      http ? `HTTP/1.1 500 ${line.replaceAll(/[^ -~]/g, '')}\r\n\r\n` : `-ERR ${line}\r\n`,
    )
  })
}

let parrot: Peer
let folder: string

beforeAll(async () => {
  parrot = await startParrot()
  folder = tempFolder('secrets')
})
afterAll(() => parrot.close())

const wait = WAIT

/** Runs the verb in this process and returns all that it wrote, wherever. */
async function writtenBy(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  if (!wait) throw new Error('there is no verb wait')
  const written: string[] = []
  const streams = [process.stdout, process.stderr]
  const writes = streams.map(stream => stream.write)
  const files = [join(folder, 'junit.xml'), join(folder, 'summary.md')]
  const before = { ...process.env }
  Object.assign(process.env, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: files[1] }, env)
  for (const stream of streams) {
    stream.write = (text: string | Uint8Array) => {
      written.push(String(text))
      return true
    }
  }
  try {
    await waitVerb(parseCall(wait, ['--junit', files[0] ?? '', ...args], process.env))
  } catch (error) {
    // What the program's entry prints: the message, and with -v the cause.
    if (!HoldfastError.is(error)) throw error
    written.push(error.message, String((error.cause as Error | undefined)?.stack))
  } finally {
    for (const [i, stream] of streams.entries()) stream.write = writes[i] as typeof stream.write
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'])
      process.removeAllListeners(signal)
  }
  for (const file of files.filter(existsSync)) {
    written.push(readFileSync(file, 'utf8'))
    rmSync(file)
  }
  return written.join('\n')
}

const FORMATS = [['-v'], ['--json'], ['--format', 'ndjson'], ['--format', 'github', '-q']] as const

/** A secret of words that nothing else holds, so that a part of it is found as well as the whole. */
interface Secret {
  readonly text: string
  readonly words: readonly string[]
}

const JOINTS = [...'/@?#:%&=;,+ \'"\\$', 'é', '🔑', '%41', '']

const secret: fc.Arbitrary<Secret> = fc
  .array(fc.tuple(fc.stringMatching(/^Zk[0-9a-f]{6}$/), fc.constantFrom(...JOINTS)), {
    minLength: 1,
    maxLength: 3,
  })
  .map(parts => ({
    text: parts.map(([word, joint]) => word + joint).join(''),
    words: parts.map(([word]) => word),
  }))

const encoded = (text: string) => encodeURIComponent(text)

/** Every place of an address that holds a secret, by its scheme. */
const PLACES: Readonly<Record<string, (secret: string, at: string) => string>> = {
  'postgres password': (secret, at) => `postgres://app:${encoded(secret)}@${at}/app`,
  'postgres password in the query': (secret, at) =>
    `postgres://${at}/app?user=app&password=${encoded(secret)}`,
  'postgres key password': (secret, at) =>
    `postgres://app:x@${at}/app?sslkey=/k&sslpassword=${encoded(secret)}`,
  'an unknown parameter': (secret, at) => `postgres://app@${at}/app?token=${encoded(secret)}`,
  'a connection string': (secret, at) =>
    `host=127.0.0.1 port=${at.split(':')[1]} user=app password='${secret.replaceAll(/['\\]/g, '\\$&')}'`,
  'redis password': (secret, at) => `redis://:${encoded(secret)}@${at}/0`,
  'rediss password': (secret, at) => `rediss://app:${encoded(secret)}@${at}/0`,
  'http password': (secret, at) => `http://app:${encoded(secret)}@${at}/health`,
  'http token for a user': (secret, at) => `http://${encoded(secret)}@${at}/health`,
  'http query': (secret, at) => `http://${at}/health?token=${encoded(secret)}&x=1`,
  'https query': (secret, at) => `https://${at}/?api_key=${encoded(secret)}`,
  'tcp password': (secret, at) => `tcp://app:${encoded(secret)}@${at}`,
  'a command': secret => `exec:sh -c 'echo "$0" >&2; exit 1' '${secret.replaceAll("'", `'\\''`)}'`,
  'a command in a command': secret =>
    `exec:sh -c 'for a in postgres://app:${encoded(secret)}@db/app; do echo "no $a" >&2; done; exit 1'`,
  'a name before it': (secret, at) => `db=postgres://app:${encoded(secret)}@${at}/app`,
  'a dialect': (secret, at) => `postgresql+asyncpg://app:${encoded(secret)}@${at}/app`,
}

/** Addresses that are none: the secret as it is, without any encoding, and worse. */
const BROKEN: Readonly<Record<string, (secret: string, at: string) => string>> = {
  'a bare secret': (secret, at) => `postgres://app:${secret}@${at}/app`,
  // With an @ in it, it has a host.
  'no host': secret => `postgres://app:${secret.replaceAll('@', '')}`,
  'a port that is none': secret => `redis://:${encoded(secret)}@127.0.0.1:port`,
  'an unknown scheme': (secret, at) => `postgre://app:${secret}@${at}/app`,
  'one slash': (secret, at) => `postgres:/app:${secret}@${at}/app`,
  'no scheme': (secret, at) => `app:${secret}@${at}/app`,
  'a bad percent sign': (secret, at) => `postgres://app:%zz${secret}@${at}/app`,
  'a bad TLS mode': (secret, at) => `postgres://app:${encoded(secret)}@${at}/app?sslmode=sure`,
  'an unfinished quote': secret => `host=db password='${secret}`,
  // A key is shown: it may be a misspelt one.
  'a stray word in a connection string': secret => `host=db ${secret.replaceAll('=', '')} user=app`,
  'an address in an address': (secret, at) => `redis://${at}/postgres://app:${secret}@db/app`,
}

/** Files that cannot be read, with the secret where a parser stumbles. */
const UNREADABLE: readonly (readonly [string, (secret: string) => string])[] = [
  ['json', secret => `{"db": ${secret}`],
  ['json', secret => `{"db": "postgres://app:x@db/app" ${JSON.stringify(secret)}}`],
  ['yaml', secret => `targets: { db: "a" ${secret} ]`],
  ['yaml', secret => `targets:\n  db: *${secret}\n`],
  ['yml', secret => `targets:\n  db: postgres: //app:${secret}@db\n`],
]

const runs = (count: number) => ({ numRuns: count, interruptAfterTimeLimit: 20_000 })

async function expectHidden({ words }: Secret, args: readonly string[], env?: Record<string, string>) {
  const written = await writtenBy(args, env)
  expect(written.length).toBeGreaterThan(20)
  expect(written, 'credentials as HTTP sends them').not.toMatch(/basic [\w+/]{8}/i)
  for (const word of words) expect(written, `given ${JSON.stringify([args, env])}`).not.toContain(word)
}

const limited = ['--once', '--attempt-timeout', '150ms']
const at = () => `127.0.0.1:${parrot.port}`

describe('a secret is in no output', () => {
  test.each(Object.entries(PLACES))('%s', async (_, address) => {
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom(...FORMATS), async (secret, format) => {
        await expectHidden(secret, [address(secret.text, at()), ...limited, ...format])
      }),
      runs(8),
    )
  })

  test.each(Object.entries(BROKEN))('of an address that is none: %s', async (_, address) => {
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom(...FORMATS), async (secret, format) => {
        await expectHidden(secret, [address(secret.text, '127.0.0.1:1'), ...limited, ...format])
      }),
      runs(25),
    )
  })

  test('from a variable, whether the address is one or not', async () => {
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom(...FORMATS), async (secret, format) => {
        for (const place of [PLACES['postgres password'], BROKEN['a bare secret'], BROKEN['no scheme']]) {
          const DATABASE_URL = place?.(secret.text, at()) ?? ''
          await expectHidden(secret, ['env:DATABASE_URL', ...limited, ...format], { DATABASE_URL })
          await expectHidden(secret, [...limited, ...format], { DATABASE_URL })
        }
        const [, port = ''] = at().split(':')
        const pg = {
          PGHOST: '127.0.0.1',
          PGPORT: port,
          PGUSER: 'app',
          PGPASSWORD: secret.text.replaceAll('\0', ''),
        }
        await expectHidden(secret, [...limited, ...format], pg)
        const db = { DB_HOST: '127.0.0.1', DB_PORT: port, DB_USER: 'app', DB_PASSWORD: secret.text }
        await expectHidden(secret, [...limited, ...format], db)
      }),
      runs(10),
    )
  })

  test('from a configuration, whether its address is one or not', async () => {
    const file = join(folder, 'holdfast.config.json')
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom(...FORMATS), async (secret, format) => {
        for (const place of [
          PLACES['redis password'],
          BROKEN['a bare secret'],
          BROKEN['a port that is none'],
        ]) {
          writeFileSync(file, JSON.stringify({ targets: { db: place?.(secret.text, at()) } }))
          await expectHidden(secret, ['-c', file, ...limited, ...format])
        }
        writeFileSync(file, JSON.stringify({ targets: { db: { url: 'redis://x', pasword: secret.text } } }))
        await expectHidden(secret, ['-c', file, ...limited, ...format])
        for (const [kind, text] of UNREADABLE) {
          const broken = join(folder, `broken.${kind}`)
          writeFileSync(broken, text(secret.text))
          await expectHidden(secret, ['-c', broken, ...limited, ...format])
        }
      }),
      runs(10),
    )
  })

  test('where an option was meant for something else', async () => {
    await fc.assert(
      fc.asyncProperty(secret, async secret => {
        const url = `postgres://app:${encoded(secret.text)}@db/app`
        for (const option of [
          '--timeout',
          '--grace',
          '--connections',
          '--until',
          '--format',
          '-c',
          '--junit',
        ])
          await expectHidden(secret, [option, url, 'exec:true'])
      }),
      runs(10),
    )
  })
})

describe('the program itself', () => {
  const words = ['Zk1111aa', 'Zk2222bb']
  const secret = words.join('#@/')

  test.concurrent.each([
    ['a password that is rejected nowhere', () => [PLACES['redis password']?.(secret, at()) ?? '']],
    ['an address that is none', () => [BROKEN['a bare secret']?.(secret, at()) ?? '']],
    ['an address for a verb', () => []],
  ])('shows no part of %s, also with -v', async (_, address) => {
    const given = address()
    const args = given.length > 0 ? ['wait', '-v', ...given, '--once'] : [`postgres://app:${secret}@db/app`]
    const { status, stdout, stderr } = await holdfast(args)
    expect(status).toBeGreaterThan(0)
    for (const word of words) expect(stdout + stderr).not.toContain(word)
  })

  test.concurrent('shows no secret of a configuration that is a program and throws it', async () => {
    const cwd = tempFolder('throws')
    writeFileSync(
      join(cwd, 'holdfast.config.mjs'),
      `export default { targets: { db: 'postgres://a:${secret}@h:x/' } }`,
    )
    const { stdout, stderr } = await holdfast(['wait', '-v'], { cwd })
    expect(stderr).toMatch(/^holdfast: /)
    for (const word of words) expect(stdout + stderr).not.toContain(word)
  })
})
