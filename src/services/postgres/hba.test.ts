import { describe, expect, test } from 'vitest'
import { admitting, type Login, type Rule, rulesOf, shown, trustsNetwork } from './hba.js'

/** A rule from a line as the view shows it. */
function rule(text: string, line = 1): Rule {
  const [type = '', databases = '', users = '', ...rest] = text.split(' ')
  const method = rest.pop() ?? ''
  const [address = null, netmask = null] = rest
  return {
    line,
    type,
    databases: databases.split(','),
    users: users.split(','),
    address,
    netmask,
    method,
    error: null,
  }
}

const login: Login = {
  database: 'shop',
  user: 'app',
  roles: ['app', 'staff'],
  address: '10.1.2.3',
  encrypted: false,
}
const fits = (text: string, over: Partial<Login> = {}) =>
  admitting([rule(text)], { ...login, ...over }) !== undefined

describe('a line admits', () => {
  test.each([
    ['host all all all md5'],
    ['host shop app 10.1.2.3 255.255.255.255 md5'],
    ['host other,shop app 10.0.0.0 255.0.0.0 md5'],
    ['hostnossl all all 0.0.0.0 0.0.0.0 md5'],
    ['host all +staff all md5'],
    ['hostnogssenc all all all md5'],
  ])('by %s', text => {
    expect(fits(text)).toBe(true)
  })

  test('the user of the same name, and members of a role of the database’s name', () => {
    expect(fits('host sameuser all all md5', { user: 'shop' })).toBe(true)
    expect(fits('host samerole all all md5', { database: 'staff' })).toBe(true)
    expect(fits('host sameuser all all md5')).toBe(false)
  })

  test('an IPv6 address in its network', () => {
    expect(fits('host all all fd00:: ffff:: md5', { address: 'fd00::7' })).toBe(true)
    expect(fits('host all all fd00:: ffff:: md5', { address: 'fe80::7' })).toBe(false)
  })

  test('over the Unix socket by local alone', () => {
    expect(fits('local all all peer', { address: undefined })).toBe(true)
    expect(fits('host all all all md5', { address: undefined })).toBe(false)
    expect(fits('local all all peer')).toBe(false)
  })
})

describe('a line does not admit', () => {
  test.each([
    ['host all all 10.2.0.0 255.255.0.0 md5'],
    ['host all all ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff md5'],
    ['host other all all md5'],
    ['host all root all md5'],
    ['host all +other all md5'],
    ['hostssl all all all md5'],
    ['hostgssenc all all all gss'],
  ])('by %s', text => {
    expect(fits(text)).toBe(false)
  })
})

test('the first line that fits counts', () => {
  const rules = ['host other all all trust', 'host all all all scram-sha-256', 'host all all all trust']
  expect(
    admitting(
      rules.map((text, i) => rule(text, i + 1)),
      login,
    )?.line,
  ).toBe(2)
})

test('behind a line that only the server can judge nothing is said', () => {
  expect(
    admitting([rule('host all all .example.com md5'), rule('host all all all md5')], login),
  ).toBeUndefined()
  expect(admitting([rule('host /^a all all md5'), rule('host all all all md5')], login)).toBeUndefined()
  expect(
    admitting([rule('host other all .example.com md5'), rule('host all all all md5')], login),
  ).toBeDefined()
})

test('a line with an error is passed over', () => {
  expect(admitting([{ ...rule('host all all all md5'), error: 'bad' }], login)).toBeUndefined()
})

test.each([
  ['host all all 0.0.0.0 0.0.0.0 trust', true],
  ['host all all all trust', true],
  ['hostssl all all 10.0.0.0 255.0.0.0 trust', true],
  ['host all all 127.0.0.1 255.255.255.255 trust', false],
  ['host all all ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff trust', false],
  ['host all all samehost trust', false],
  ['host all all samenet trust', true],
  ['host all all 127.0.0.1 0.0.0.0 trust', true],
  ['local all all trust', false],
  ['host all all all scram-sha-256', false],
])('%s trusts the network: %s', (text, expected) => {
  expect(trustsNetwork(rule(text))).toBe(expected)
})

test('a line is shown as the file has it', () => {
  const rows = [['7', 'host', '["all"]', '["app", "+x"]', '10.0.0.0', '255.0.0.0', 'trust', null]]
  expect(rulesOf(rows).map(shown)).toEqual(['host all app,+x 10.0.0.0/8 trust'])
  expect(shown(rule('local all all peer'))).toBe('local all all peer')
})

test('a line with an error alone is read, too', () => {
  expect(rulesOf([['3', null, null, null, null, null, null, 'invalid connection type "hots"']])).toEqual([
    expect.objectContaining({ line: 3, error: 'invalid connection type "hots"' }),
  ])
})
