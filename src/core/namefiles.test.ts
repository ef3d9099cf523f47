import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asked, parseHosts, parseNsswitch, parseResolv, parseRoutes } from './namefiles.js'

describe('a hosts file', () => {
  test('gives addresses and names with their lines', () => {
    expect(parseHosts('# x\n127.0.0.1\tlocalhost  me # me\n\n::1 localhost\n10.0.0.1\n')).toEqual([
      { address: '127.0.0.1', names: ['localhost', 'me'], line: 2 },
      { address: '::1', names: ['localhost'], line: 4 },
    ])
  })

  test('gives back what was written into it', () => {
    const word = fc.stringMatching(/^[a-z0-9.:-]+$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.array(word, { minLength: 1 }))), lines => {
        const text = lines.map(([address, names]) => `${address}\t${names.join(' ')} # note`).join('\n')
        expect(parseHosts(text).map(({ address, names }) => [address, names])).toEqual(lines)
      }),
    )
  })
})

describe('a resolv.conf', () => {
  test('gives name servers, search domains and ndots', () => {
    expect(
      parseResolv(
        '# c\n; c\nnameserver 127.0.0.11\nsearch a.b. c\noptions edns0 ndots:5 timeout:1\nnameserver ::1\n',
      ),
    ).toEqual({ nameservers: ['127.0.0.11', '::1'], search: ['a.b', 'c'], ndots: 5 })
  })

  test('that is empty means this machine, one dot and no domain', () => {
    expect(parseResolv('')).toEqual({ nameservers: ['127.0.0.1'], search: [], ndots: 1 })
  })

  test('counts three name servers, the last of domain and search, and fifteen dots', () => {
    const text =
      'nameserver 1\nnameserver 2\nnameserver 3\nnameserver 4\nsearch a b\ndomain c\noptions ndots:99'
    expect(parseResolv(text)).toEqual({ nameservers: ['1', '2', '3'], search: ['c'], ndots: 15 })
  })

  test.each([
    ['db', ['db.x.y', 'db.z', 'db']],
    ['db.shop', ['db.shop.x.y', 'db.shop.z', 'db.shop']],
    ['a.b.c', ['a.b.c', 'a.b.c.x.y', 'a.b.c.z']],
    ['db.', ['db']],
  ])('with ndots:2 makes of %s %j', (name, names) => {
    expect(asked(name, { nameservers: [], search: ['x.y', 'z'], ndots: 2 })).toEqual(names)
  })
})

test('the default gateways are read from the routes, the preferred one first', () => {
  const line = (destination: string, gateway: string, metric: number, mask = '00000000') =>
    `eth0\t${destination}\t${gateway}\t0003\t0\t0\t${metric}\t${mask}\t0\t0\t0`
  const text = [
    'Iface\tDestination\tGateway',
    line('00000000', '010012AC', 100),
    line('00000000', '0101A8C0', 5),
  ]
  text.push(line('000012AC', '00000000', 0, '0000FFFF'), line('00000000', '00000000', 0), '')
  expect(parseRoutes(text.join('\n'))).toEqual(['192.168.1.1', '172.18.0.1'])
})

test('nsswitch.conf gives the order, without what to do in between', () => {
  expect(parseNsswitch('passwd: files\nhosts:  files mdns4_minimal [NOTFOUND=return] dns # x\n')).toEqual([
    'files',
    'mdns4_minimal',
    'dns',
  ])
  expect(parseNsswitch('')).toEqual(['files', 'dns'])
})

test('no file makes any of them throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      for (const parse of [parseHosts, parseResolv, parseRoutes, parseNsswitch]) parse(text)
    }),
  )
})
