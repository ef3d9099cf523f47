import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commandShown } from './shown.js'

test.each<[string[], string]>([
  [['go', 'test', './...'], 'go test ./...'],
  [
    ['npx', 'vitest', 'run', '--project', 'unit', 'src/a.test.ts'],
    'npx vitest run --project unit src/a.test.ts',
  ],
  [['pytest', '-x', 'tests/a'], 'pytest -x tests/a'],
  [['t', '--db-password', 'hunter2', 'tests'], 't --db-password *** tests'],
  [['mysql', '-phunter2', 'app'], 'mysql -p*** app'],
  [['t', '--project=unit', 'A=hunter2'], 't --project=*** A=***'],
  [['t', 'postgres://app:hunter2@db/app'], 't postgres://app:***@db/app'],
  [['sh', '-c', 'exit 0'], 'sh -c exit 0'],
  [['sh', '-c', 'npm test -- --password hunter2'], 'sh -c npm test …'],
  [['sh', '-c', "PGPASSWORD='a b' psql"], 'sh -c …'],
])('%j is kept as %s', (command, shown) => expect(commandShown(command)).toBe(shown))

const words = fc.array(fc.constantFrom('go', 'test', './...', '-v', '--project', 'unit', 'a b', 'tests/a'), {
  maxLength: 4,
})
const secret = fc.stringMatching(/^[!-~]{6,20}$/).map(text => `hunter2${text}`)
const options = fc
  .tuple(
    fc.constantFrom('-', '--', '--db-', '--my.'),
    fc.constantFrom(
      'password',
      'PWD',
      'passphrase',
      'secret',
      'token',
      'api-key',
      'auth',
      'access-key-id',
      'credentials',
    ),
  )
  .map(parts => parts.join(''))

test('a secret in any of its usual places is never kept', () => {
  const places = fc.tuple(fc.nat(6), options, secret).map(([place, option, value]) => {
    const all = [
      [option, value],
      [`${option}=${value}`],
      [`-p${value}`],
      ['-p', value],
      [`DB_PASSWORD=${value}`],
      [`postgres://app:${encodeURIComponent(value)}@db/app`],
      [`sh -c "x ${option} ${value}"`],
    ]
    return { args: all[place] ?? [], value }
  })
  fc.assert(
    fc.property(words, places, words, (before, { args }, after) => {
      expect(commandShown(['run', ...before, ...args, ...after])).not.toContain('hunter2')
    }),
  )
})
