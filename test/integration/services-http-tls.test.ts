/** HTTPS servers, and HTTP to a port that takes HTTPS. */
import { describe, expect, test } from 'vitest'
import { leavingNothing, readiness, refusal, startedPeer } from '../conformance/probing.js'
import { type CertificateName, certificates } from '../support/certs.js'
import * as peers from '../support/peers.js'
import { secure } from './http-servers.js'

leavingNothing()

describe('HTTPS', () => {
  const trusted = async () => `sslrootcert=${encodeURIComponent((await certificates()).ca.certPath)}`

  test('with a certificate that nobody vouches for is a TLS failure, with advice', async () => {
    const verdict = await refusal(await secure('server'))
    expect(verdict).toMatchObject({
      layer: 'tls',
      finding: { reason: 'tls-failure', code: 'SELF_SIGNED_CERT_IN_CHAIN' },
    })
    expect(verdict.finding.advice).toContain('sslrootcert')
  })

  test('is ready where the fragment names the authority', async () => {
    const { steps } = await readiness(`${await secure('server')}/#${await trusted()}&body=ready`)
    expect(steps.map(({ layer }) => layer)).toEqual(['dns', 'tcp', 'tls', 'query'])
  })

  test.each<[CertificateName, string]>([
    ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('%s is a TLS failure all the same', async (name, code) => {
    const { finding } = await refusal(`${await secure(name)}/#${await trusted()}`)
    expect(finding).toMatchObject({ reason: 'tls-failure', code })
  })

  test('takes any certificate with sslmode=require in the fragment', async () => {
    await readiness(`${await secure('selfSigned')}/#sslmode=require`)
  })

  test('that wants to see a certificate is shown the one of the fragment', async () => {
    const { client } = await certificates()
    const base = `${await secure('server', true)}/#${await trusted()}`
    await readiness(`${base}&sslcert=${client.certPath}&sslkey=${client.keyPath}`)
    expect(await refusal(base)).toMatchObject({ finding: { reason: 'tls-failure' } })
  })
})

describe('HTTP to a port that takes HTTPS', () => {
  const nginx =
    'HTTP/1.1 400 Bad Request\r\nserver: nginx\r\ncontent-length: 57\r\n\r\n<h1>The plain HTTP request was sent to HTTPS port</h1>   '
  const go = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'

  test('is a TLS failure where the server only closes', async () => {
    const { finding } = await refusal((await secure('server')).replace('https:', 'http:'))
    expect(finding.reason).toBe('tls-failure')
    expect(finding.advice).toContain('https://')
  })

  test.each([
    ['nginx', nginx],
    ['Go', go],
  ])('is a TLS failure in the words of %s', async (_, answer) => {
    const { port } = await startedPeer(peers.answers(answer))
    const { finding } = await refusal(`http://127.0.0.1:${port}/`)
    expect(finding).toMatchObject({ reason: 'tls-failure', code: '400' })
    expect(finding.advice).toContain('https://')
  })
})
