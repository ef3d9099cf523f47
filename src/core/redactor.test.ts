import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SCHEMES } from '../services/registry.js'
import { HoldfastError } from './errors.js'
import { redactAddress, Secret } from './redact.js'
import { redactorOf } from './redactor.js'
import { parseTarget, type Target } from './target.js'

const parse = (text: string) => parseTarget(text, { schemes: SCHEMES })
const shown = (text: string, message: string) => redactorOf(parse(text))(message)

/**
 * A secret of words that no other part of an address holds, joined by characters that mean something there.
 * That none of its words is shown says more than that the whole is not.
 */
interface Made {
  readonly text: string
  readonly words: readonly string[]
}

const secretWith = (joints: readonly string[]): fc.Arbitrary<Made> =>
  fc
    .array(fc.tuple(fc.stringMatching(/^Zq[0-9a-f]{5}$/), fc.constantFrom('', ...joints)), {
      minLength: 1,
      maxLength: 4,
    })
    .map(parts => ({
      text: parts.map(([word, joint]) => word + joint).join(''),
      words: parts.map(([word]) => word),
    }))

const ANY = [...'/@?#:%&=;, \'"\\!$+()[]{}<>|^~`\n\t\u001b', 'é', '🔑', '%41', '\u202e']
const secret = secretWith(ANY)

/** Everything that could show a secret: the redacted address, the target in every printer, the error. */
function everythingShown(text: string): string {
  const parts = [redactAddress(text)]
  try {
    const target = parse(text)
    parts.push(...printed(target))
  } catch (error) {
    if (!HoldfastError.is(error)) throw error
    parts.push(error.message, inspect(error, { depth: 9 }))
  }
  return parts.join('\n')
}

const printed = (target: Target): string[] => [
  JSON.stringify(target),
  inspect(target, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
  ...Object.values(target).map(String),
  ...[...target.params.values()].map(value => `${value}${JSON.stringify(value)}`),
]

function expectHidden(text: string, { words }: Made): void {
  const all = everythingShown(text)
  for (const word of words) expect(all, `an address of ${JSON.stringify(text)}`).not.toContain(word)
}

const holds = (build: (made: Made) => string, made: fc.Arbitrary<Made> = secret) =>
  fc.assert(
    fc.property(made, one => expectHidden(build(one), one)),
    { numRuns: 500 },
  )

const encode = encodeURIComponent
const URLS = [
  'postgres',
  'postgresql+asyncpg',
  'redis',
  'rediss',
  'valkey',
  'http',
  'https',
  'tcp',
  'tls',
  'nats',
]

describe('nobody is shown', () => {
  test.each(URLS)('the encoded password of a %s address', scheme => {
    holds(({ text }) => `${scheme}://app:${encode(text)}@host:5432/path`)
    holds(({ text }) => `${scheme}://:${encode(text)}@host:5432`)
  })

  // An @ and later ?key= is also how a query with an @ looks: u:p@host?user=me@corp. It is read as that.
  const raw = secret.filter(({ text }) => !/@[^/]*[?#][\w.-]+=/.test(text))

  test.each(['postgres', 'postgresql+asyncpg', 'redis', 'rediss', 'valkey', 'tcp', 'nats'])(
    'the password of a %s address that was not encoded',
    scheme => holds(({ text }) => `${scheme}://app:${text}@host:5432/path`, raw),
  )

  // By the URL standard the first @ before a slash ends the user: what follows is host and path.
  test.each(['http', 'https'])('the password of a %s address that was not encoded', scheme =>
    holds(
      ({ text }) => `${scheme}://app:${text}@host:5432/path`,
      raw.filter(({ text }) => !/@.*[/?#]/s.test(text)),
    ),
  )

  test.each(URLS)('the password of a %s address whose host is missing', scheme =>
    holds(
      ({ text }) => `${scheme}://app:${text}`,
      raw.filter(({ text }) => !text.includes('@')),
    ),
  )

  test('the token in the place of an HTTP user', () => {
    holds(({ text }) => `https://${encode(text)}@host/path`)
    holds(({ text }) => `HTTP://${encode(text)}@host/path`)
  })

  test.each(['password', 'sslpassword', 'apikey', 'x'])('the value of the parameter %s', key => {
    for (const scheme of ['postgres', 'redis', 'http', 'tcp'])
      holds(({ text }) => `${scheme}://u@host:5432/d?sslmode=require&${key}=${encode(text)}&user=x`)
  })

  test('the value of a parameter that was not encoded', () => {
    holds(
      ({ text }) => `postgres://u@host:5432/d?password=${text}`,
      secretWith([...'/@?:%;, \'"\\!$+()[]{}<>|^~`\n']),
    )
  })

  test('the password of a connection string', () => {
    const quoted = ({ text }: Made) => `'${text.replace(/[\\']/g, '\\$&')}'`
    holds(made => `host=h password=${quoted(made)} user=u`)
    holds(made => `host=h sslpassword = ${quoted(made)}`)
  })

  test('the password of a connection string that was not quoted', () => {
    holds(({ text }) => `host=h password=${text} user=u`, secretWith(ANY.filter(sign => sign !== '=')))
  })

  test('an argument of a command, and what is assigned before it', () => {
    holds(({ text }) => `exec:psql ${text}`)
    holds(({ text }) => `exec:psql -c '${text}' -q`)
    holds(({ text }) => `exec:PGPASSWORD=${text} psql`)
  })

  test('the expectation behind the hash of a page', () => {
    holds(({ text }) => `http://host/path#body=${encode(text)}`)
    holds(({ text }) => `http://host/path#body=${text}`, secretWith([...'/@?:;, !$+']))
  })

  test('the secret of an address with a name before it', () => {
    holds(({ text }) => `db=postgres://app:${encode(text)}@host:5432/path`)
    holds(({ text }) => `host=postgres://app:${encode(text)}@host:5432/path`)
  })
})

describe('in what others say, no secret stays', () => {
  const forms = ({ text }: Made) => [text, encode(text), JSON.stringify(text), `<${text}>`, text + text]

  test.each([
    ['password', (text: string) => `postgres://app:${encode(text)}@host/d`],
    ['password and nothing else', (text: string) => `redis://:${encode(text)}@host`],
    ['HTTP password', (text: string) => `http://app:${encode(text)}@host/`],
    ['HTTP token', (text: string) => `http://${encode(text)}@host/`],
    ['parameter', (text: string) => `postgres://host/d?x=${encode(text)}`],
    ['key password', (text: string) => `postgres://host/d?sslpassword=${encode(text)}`],
    ['HTTP parameter', (text: string) => `http://host/d?x=${encode(text)}`],
    ['HTTP query without a key', (text: string) => `http://host/d?${encode(text)}`],
    ['connection string', (text: string) => `host=h password='${text.replace(/[\\']/g, '\\$&')}'`],
  ])('given as %s', (_, address) => {
    fc.assert(
      fc.property(secret, made => {
        const redact = redactorOf(parse(address(made.text)))
        for (const form of forms(made)) {
          const said = redact(`before ${form} after`)
          for (const word of made.words) expect(said).not.toContain(word)
          expect(said).toMatch(/^before .*\*\*\*.* after$/s)
        }
      }),
    )
  })

  test('given as an argument of a command, with quotes or without', () => {
    const words = secretWith([...' /@?#:%&=;,!'])
    fc.assert(
      fc.property(words, made => {
        for (const quote of ["'", '"']) {
          const redact = redactorOf(
            parse(`exec:tool --key ${quote}${made.text}${quote} --pw=${quote}${made.text}${quote}`),
          )
          for (const word of made.words) expect(redact(`tool: ${made.text}: denied`)).not.toContain(word)
        }
      }),
    )
  })

  test('given as user or password of a page', () => {
    expect(
      shown('http://admin77:hunter22@h/', 'user admin77, password hunter22, both admin77:hunter22'),
    ).toBe('user ***, password ***, both ***')
  })

  test('given before a command', () => {
    expect(shown('exec:TOKEN="abc def" tool', 'tool: abc def is wrong')).toBe('tool: *** is wrong')
  })

  test('given as user and password to a command', () => {
    expect(shown('exec:curl -u app:hunter22 http://h', 'curl: hunter22')).toBe('curl: ***')
  })
})

describe('what is no secret stays', () => {
  test('user, database and host, also where the password is the same', () => {
    const text = 'role "postgres" of database "shop" at db.example'
    expect(shown('postgres://postgres:postgres@db.example/shop', text)).toBe(text)
    expect(shown('postgres://u:shop@db.example/shop', text)).toBe(text)
    expect(shown('postgres://u:db.example@db.example/shop', text)).toBe(text)
  })

  test('the values of known parameters', () => {
    expect(shown('postgres://h/d?target_session_attrs=primary', 'a primary')).toBe('a primary')
  })

  test('the expected status of a page', () => {
    const text = 'status 503 Service Unavailable, expected 200-299,304'
    expect(shown('http://h/#status=200-299,304&body=ready', text)).toBe(text)
  })

  test('the program of a command', () => {
    expect(shown('exec:pg_isready -h db.example', 'pg_isready: db.example')).toBe('pg_isready: ***')
  })

  test('all of the text where the target has no secret', () => {
    expect(shown('redis://h', 'any *** text')).toBe('any *** text')
    expect(shown('http://h/', 'any text')).toBe('any text')
  })
})

test('a password of ClickHouse is hidden in a repeated header, too', () => {
  const basic = Buffer.from('app:se cret ').toString('base64')
  expect(shown('clickhouse://app:se%20cret%20@h/db', `Authorization: Basic ${basic}`)).toBe(
    'Authorization: Basic ***',
  )
})

test.each(['nats', 'nats+tls', 'mqtt', 'mqtts'])('a user alone is a token of %s, and hidden', scheme => {
  expect(shown(`${scheme}://some-token@host`, 'some-token is wrong')).toBe('*** is wrong')
  expect(shown(`${scheme}://somebody:secret@host`, 'somebody: secret is wrong')).toBe(
    'somebody: *** is wrong',
  )
})

test('a user alone is a name elsewhere, and shown', () => {
  expect(shown('redis://somebody@host', 'somebody is wrong')).toBe('somebody is wrong')
})

test("a host's own password is hidden like the target's", () => {
  const target = parse('postgres://app@a,b/app')
  const [a, b] = target.hosts
  if (!a || !b) throw new Error('two hosts are expected')
  const redact = redactorOf({ ...target, hosts: [a, { ...b, password: new Secret('hunter22') }] })
  expect(redact('b said hunter22')).toBe('b said ***')
})
