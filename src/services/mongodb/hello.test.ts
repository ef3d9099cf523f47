import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Document, Value } from '../../wire/bson.js'
import { ObjectId } from '../../wire/bson.js'
import { helloOf, obstacle, serverOf, unfit } from './hello.js'
import type { Options } from './options.js'

const options: Options = {
  mechanism: undefined,
  source: 'admin',
  sourceGiven: false,
  replicaSet: 'rs0',
  direct: false,
  reads: 'primary',
  appName: undefined,
}

/** As the decoder makes them: without a prototype. */
const document = (fields: Document): Document => Object.assign(Object.create(null), fields)

test('mechanisms are texts, and what else stands among them is passed over', () => {
  const saslSupportedMechs = [document({}), 'SCRAM-SHA-1', null, [document({})], 7]
  expect(helloOf({ saslSupportedMechs }).mechanisms).toEqual(['SCRAM-SHA-1'])
})

test('a member of another set is a mistake in the address where it is alone, and one to wait for otherwise', () => {
  const hello = helloOf({ ismaster: true, setName: 'old' })
  expect(obstacle(hello, options)?.finding).toMatchObject({ reason: 'client-misuse' })
  expect(obstacle(hello, options, false)?.finding).toMatchObject({
    reason: 'server-not-ready',
    code: 'AnotherSet',
    message: 'replicaSet=rs0, but this server is a member of "old"',
  })
})

test('whatever a server says of itself, it is read', () => {
  const value = fc.letrec<{ value: Value }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, undefined, 'isdbgrid', new ObjectId('56e1fc72e0c917e9c4714161')),
      fc.uint8Array({ maxLength: 5 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc
        .dictionary(fc.constantFrom('processId', 'toString', 'valueOf', '__proto__'), tie('value'))
        .map(one => document(one)),
    ),
  })).value
  const names = [
    'msg',
    'isreplicaset',
    'setName',
    'ismaster',
    'secondary',
    'hidden',
    'arbiterOnly',
    'primary',
    'me',
    'maxWireVersion',
    'saslSupportedMechs',
    'topologyVersion',
    'localTime',
  ]
  fc.assert(
    fc.property(
      fc.record(Object.fromEntries(names.map(name => [name, value])), { requiredKeys: [] }),
      fields => {
        const hello = helloOf(document(fields))
        for (const text of [hello.setName, hello.primary, hello.me, ...hello.mechanisms])
          expect(['string', 'undefined']).toContain(typeof text)
        obstacle(hello, options)
        unfit(hello, options)
        serverOf(hello, '7')
      },
    ),
  )
})
