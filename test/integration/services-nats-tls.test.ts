/** NATS with TLS: inside its protocol, as the server offers it, or first of all. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leavingNothing, readiness, refusal, startedPeer } from '../conformance/probing.js'
import { type Certificates, certificates } from '../support/certs.js'
import { type NatsOptions, type NatsServer, startNats } from '../support/nats.js'
import { natsInfo, natsLines } from '../support/natspeers.js'

let certs: Certificates
const servers = new Map<string, NatsServer>()
const at = (name: string, query: Record<string, string> = {}, scheme = 'nats', host = 'localhost') =>
  (servers.get(name) as NatsServer).url({ scheme, host, query })
const trust = (more: Record<string, string> = {}) => ({ sslrootcert: certs.ca.certPath, ...more })

beforeAll(async () => {
  certs = await certificates()
  const start = async (name: string, options: NatsOptions) => servers.set(name, await startNats(options))
  await Promise.all([
    start('required', { tls: true }),
    start('optional', { tls: true, tlsMode: 'optional' }),
    start('client', { tls: true, tlsMode: 'verify' }),
    start('wrongHost', { tls: 'wrongHost' }),
    start('expired', { tls: 'expired' }),
    start('none', {}),
  ])
})
afterAll(async () => {
  await Promise.all([...servers.values()].map(it => it.remove()))
})
leavingNothing()

test.each([
  ['required', 'nats'],
  ['required', 'nats+tls'],
  ['optional', 'nats'],
  ['optional', 'nats+tls'],
])('%s by the server is used by %s://, and verified', async (name, scheme) => {
  const { steps } = await readiness(at(name, trust(), scheme))
  expect(steps.map(({ layer }) => layer)).toContain('tls')
  const { finding } = await refusal(at(name, {}, scheme))
  expect(finding).toMatchObject({ reason: 'tls-failure', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
})

test.each([
  ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['expired', 'CERT_HAS_EXPIRED'],
])('%s is a TLS failure', async (name, code) => {
  expect(await refusal(at(name, trust()))).toMatchObject({ layer: 'tls', finding: { code } })
})

test('sslmode=require takes any certificate, and needs one', async () => {
  await readiness(at('required', { sslmode: 'require' }))
  const { finding } = await refusal(at('none', { sslmode: 'require' }))
  expect(finding).toMatchObject({ reason: 'tls-failure', message: expect.stringContaining('offers none') })
})

test('sslmode=allow takes TLS only where the server requires it', async () => {
  const { steps } = await readiness(at('required', { sslmode: 'allow' }))
  expect(steps.map(({ layer }) => layer)).toContain('tls')
  const optional = await readiness(at('optional', { sslmode: 'allow' }))
  expect(optional.steps.map(({ layer }) => layer)).not.toContain('tls')
})

test('sslmode=disable takes none, and is refused by a server that requires it', async () => {
  await readiness(at('optional', { sslmode: 'disable' }))
  expect(await refusal(at('required', { sslmode: 'disable' }))).toMatchObject({
    layer: 'tls',
    finding: { reason: 'tls-failure', advice: expect.stringContaining('sslmode') },
  })
})

test('a server that wants to see a certificate takes who shows one', async () => {
  const { certPath, keyPath } = certs.client
  await readiness(at('client', trust({ sslcert: certPath, sslkey: keyPath })))
  const { finding } = await refusal(at('client', trust()))
  expect(finding.reason).toBe('tls-failure')
  expect(finding.advice).toContain('sslcert')
})

test('first of all is what sslnegotiation=direct asks for', async () => {
  const first = await startedPeer(
    async connection => {
      await connection.send(natsInfo({ tls_required: true }))
      await natsLines(connection, () => undefined)
    },
    { tls: certs.server },
  )
  const query = { ...trust(), sslnegotiation: 'direct' }
  const { steps } = await readiness(first.url('nats', { host: 'localhost', query }))
  expect(steps.map(({ layer }) => layer)).toEqual(['dns', 'tcp', 'tls', 'handshake', 'auth', 'query'])
  const { finding } = await refusal(at('none', query))
  expect(finding.reason).toBe('tls-failure')
})
