// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of Compose and of workflows
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../core/redact.js'
import { concealed } from './conceal.js'

const none = { hidden: [], open: [] }

test.each([
  ['  POSTGRES_PASSWORD: hunter2', '  POSTGRES_PASSWORD: ***'],
  ['  - DB_PASSWORD=hunter2', '  - DB_PASSWORD=***'],
  ['{ A: 1, API_TOKEN: "hun ter2", B: 2 }', '{ A: 1, API_TOKEN: ***'],
  ["  POSTGRES_PASSWORD: 'Aaa''hunter2'", '  POSTGRES_PASSWORD: ***'],
  ['  environment: [ "POSTGRES_PASSWORD=Aa hunter2" ]', '  environment: [ "POSTGRES_PASSWORD=***'],
  ['  SECRET_KEY_BASE: aa hunter2', '  SECRET_KEY_BASE: ***'],
  ['  DB_PASSWORD: &pw hunter2', '  DB_PASSWORD: ***'],
  ['  DB_PASSWORD: ${PW:-hunter2}', '  DB_PASSWORD: ***'],
  ['  DB_PASSWORD: |\n    hunter2\n\n    hunter3\n  A: 1', '  DB_PASSWORD: ***\n    ***\n\n    ***\n  A: 1'],
  ['+  DB_PASSWORD:\n+    hunter2\n+  A: 1', '+  DB_PASSWORD:\n+    ***\n+  A: 1'],
  ['command: redis-server --requirepass hunter2 --port 1', 'command: redis-server --requirepass ***'],
  ['command: ["redis-server", "--requirepass", "hunter2"]', 'command: ["redis-server", "--requirepass", ***'],
  ['test: mysql -phunter2 -e x', 'test: mysql -p***'],
  ["test: mysql -p'hun ter2' -e x", 'test: mysql -p***'],
  ['test: ["CMD", "redis-cli", "-a", "hunter2"]', 'test: ["CMD", "redis-cli", "-a", ***'],
  ['URL: postgres://app:hun ter2@db/app', 'URL: postgres://app:***'],
  ['URL: postgres://app:hun,ter2@db/app', 'URL: postgres://app:***@db/app'],
  [
    'test: ["CMD-SHELL", "PGPASSWORD=\\"$$(cat \\"$$POSTGRES_PASSWORD_FILE\\")\\" psql -U x"]',
    'test: ["CMD-SHELL", "PGPASSWORD=\\"$$(cat \\"$$POSTGRES_PASSWORD_FILE\\")\\" psql -U x"]',
  ],
  [
    'test: mysql -u root -p"$$MYSQL_ROOT_PASSWORD" -e 1',
    'test: mysql -u root -p"$$MYSQL_ROOT_PASSWORD" -e 1',
  ],
  ['  DB_PASSWORD: { required: false }', '  DB_PASSWORD: { required: false }'],
  ['    secrets: [db_password]', '    secrets: [db_password]'],
  ['  PASSWORD: ${{ secrets.PW }} # why', '  PASSWORD: ${{ secrets.PW }} # why'],
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
    fc.property(
      form,
      name,
      fc.stringMatching(/^[a-z0-9]{1,4}[ '",]{1,2}[A-Z]{8,12}$/),
      (write, key, value) => {
        const shown = concealed(write(key, `q${value}`), none)
        expect(shown).not.toContain(value.slice(-8))
      },
    ),
  )
})

test('a long line takes no time that grows with its square', () => {
  const lines = ['a'.repeat(200_000), 'a:'.repeat(100_000), ' mysql'.repeat(30_000), 'pass '.repeat(40_000)]
  const before = performance.now()
  for (const line of lines) concealed(line, none)
  expect(performance.now() - before).toBeLessThan(5_000)
})
