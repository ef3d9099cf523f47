// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of Compose and of workflows
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../core/redact.js'
import { concealed } from './conceal.js'

const none = { hidden: [], open: [] }

test.each([
  ['  POSTGRES_PASSWORD: hunter2', '  POSTGRES_PASSWORD: ***'],
  ['  - DB_PASSWORD=hunter2', '  - DB_PASSWORD=***'],
  ['{ A: 1, API_TOKEN: "hun ter2", B: 2 }', '{ A: 1, API_TOKEN: ***, B: 2 }'],
  [
    'command: redis-server --requirepass hunter2 --port 1',
    'command: redis-server --requirepass *** --port 1',
  ],
  [
    'command: ["redis-server", "--requirepass", "hunter2"]',
    'command: ["redis-server", "--requirepass", ***]',
  ],
  ['test: mysql -phunter2 -e x', 'test: mysql -p*** -e x'],
  ['test: ["CMD", "redis-cli", "-a", "hunter2"]', 'test: ["CMD", "redis-cli", "-a", "***"]'],
  ['run: mkdir -p a/b', 'run: mkdir -p a/b'],
  ['URL: postgres://app:hunter2@db/app # x', 'URL: postgres://app:***@db/app # x'],
  ['  POSTGRES_PASSWORD: ${PW:?}', '  POSTGRES_PASSWORD: ${PW:?}'],
  ['  POSTGRES_PASSWORD_FILE: /run/secrets/pw', '  POSTGRES_PASSWORD_FILE: /run/secrets/pw'],
  ['  image: postgres:17', '  image: postgres:17'],
  ['ports: ["5432:5432"]', 'ports: ["5432:5432"]'],
])('%s', (line, shown) => {
  expect(concealed(line, none)).toBe(shown)
})

test('a secret that is known is hidden wherever it stands, but where it is an open word, too', () => {
  const secrets = { hidden: [new Secret('hunter2'), new Secret('postgres')], open: ['postgres'] }
  expect(concealed('- hunter2\nimage: postgres', secrets)).toBe('- ***\nimage: postgres')
})

test('no word behind a name that sounds secret is shown, in any form of a line', () => {
  const form = fc.constantFrom<(name: string, value: string) => string>(
    (name, value) => `    ${name}: ${value}`,
    (name, value) => `      - ${name}=${value}`,
    (name, value) => `  environment: { X: 1, "${name}": "${value}", Y: 2 }`,
    (name, value) => `export ${name}='${value}'; run`,
    (_, value) => `  url: redis://:${value}@cache:6379/0`,
    (_, value) => `  command: [a, --requirepass, ${value}]`,
  )
  const name = fc.constantFrom(
    'DB_PASSWORD',
    'password',
    'API_TOKEN',
    'SECRET_KEY',
    'AWS_SECRET_ACCESS_KEY',
    'MYSQL_PWD',
    'apikey',
  )
  fc.assert(
    fc.property(form, name, fc.stringMatching(/^[a-z0-9]{8,12}$/), (write, key, value) => {
      expect(concealed(write(key, `q${value}`), none)).not.toContain(value)
    }),
  )
})
