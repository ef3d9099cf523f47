import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KEYWORDS } from './keywords.js'
import { serviceIn } from './servicefile.js'

const values = (text: string, service = 'shop') => {
  const found = serviceIn(text, service)
  if (!found || 'problem' in found) return found
  return Object.fromEntries([...found.settings].map(([key, { value }]) => [key, value]))
}

describe('a connection service file', () => {
  test('gives the settings of one section, each with its line', () => {
    const found = serviceIn('[a]\nhost=a\n\n# comment\n[shop]\n  host=db  \nport=5433\n[b]\nhost=b\n', 'shop')
    expect(found).toEqual({
      settings: new Map([
        ['host', { value: 'db', line: 6 }],
        ['port', { value: '5433', line: 7 }],
      ]),
    })
  })

  test('lets the first of two equal keywords and of two equal sections count', () => {
    expect(values('[shop]\nhost=a\nhost=b\n[shop]\nport=1\n')).toEqual({ host: 'a' })
  })

  test('keeps what stands behind the first =', () => {
    expect(values('[shop]\noptions=-c a=b \npassword= x\n')).toEqual({ options: '-c a=b', password: ' x' })
  })

  test('without the section has nothing', () => {
    expect(values('[shop2]\nhost=a\n[shop')).toBeUndefined()
    expect(values('')).toBeUndefined()
  })

  test("is read as far as the section goes: what is wrong elsewhere is nobody's business", () => {
    expect(values('nonsense\n[a]\nnonsense\n[shop]\nhost=a\n[b]\nnonsense')).toEqual({ host: 'a' })
  })

  test.each([
    ['host', 'a setting is written keyword=value'],
    ['hots=db', 'it does not begin with a connection parameter of libpq'],
    ['host = db', 'no space may stand before the ='],
    ['service=other', 'a service cannot name another one'],
    ['ldap://ldap.example/dc=x', 'services are not looked up by LDAP; write the settings themselves'],
  ])('with the line %s is refused: %s', (line, problem) => {
    expect(serviceIn(`[shop]\nport=1\n${line}\n`, 'shop')).toEqual({ line: 3, problem })
  })

  test('never shows what it could not read', () => {
    expect(JSON.stringify(serviceIn('[shop]\nhunter22 hunter22\n', 'shop'))).not.toContain('hunter22')
  })

  test('gives back what was written into it', () => {
    const value = fc.string().filter(text => text === text.trim() && !/[\r\n\v\f]/.test(text))
    const settings = fc.uniqueArray(
      fc.tuple(fc.constantFrom(...KEYWORDS.filter(key => key !== 'service')), value),
      {
        selector: ([key]) => key,
      },
    )
    fc.assert(
      fc.property(settings, pairs => {
        const text = `[other]\nhost=x\n[shop]\n${pairs.map(pair => pair.join('=')).join('\n')}\n`
        expect(values(text)).toEqual(Object.fromEntries(pairs))
      }),
    )
  })

  test('never throws, whatever stands in it', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void serviceIn(`[shop]\n${text}`, 'shop')))
  })
})

test('a line of blanks without an end takes no time that grows with its square', () => {
  const began = process.hrtime.bigint()
  expect(serviceIn(`[x]\nhost${' '.repeat(2_000_000)}y=1`, 'x')).toMatchObject({ line: 2 })
  // Squared it would be an hour.
  expect(Number(process.hrtime.bigint() - began) / 1e9).toBeLessThan(60)
})
