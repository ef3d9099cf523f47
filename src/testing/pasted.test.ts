import fc from 'fast-check'
import { expect, test } from 'vitest'
import { needsOf } from '../standin/needs.js'
import { allows } from '../standin/sources.js'
import { askedServices } from './services.js'
import { strictnesses } from './strictness.js'

const general = { needs: new Map(), require: [] }

test.each<[string, (text: string) => unknown]>([
  ['HOLDFAST_STANDIN', text => allows({ HOLDFAST_STANDIN: text }, 'system')],
  ['HOLDFAST_REQUIRE', text => strictnesses([], {}, general, { HOLDFAST_REQUIRE: text })],
  ['HOLDFAST_NEEDS', text => needsOf([text], ['postgres'], 'HOLDFAST_NEEDS')],
  ['HOLDFAST_SERVICE', text => askedServices([], [text])],
])('an address that is pasted into %s is told without its password', (_, given) => {
  const password = fc.stringMatching(/^[\w.!$*+-]{0,12}$/).map(text => `hunter2${text}`)
  const before = fc.constantFrom('', 'DATABASE_URL=')
  fc.assert(
    fc.property(before, fc.constantFrom('postgres', 'redis'), password, (name, scheme, secret) => {
      const said = () => given(`${name}${scheme}://app:${secret}@db:5432/app`)
      expect(said).toThrow()
      expect(said).not.toThrow(/hunter2/)
    }),
  )
})
