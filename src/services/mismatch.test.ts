import { expect, test } from 'vitest'
import { ProbeError } from '../core/service.js'
import { atOpening, mismatch, mismatchWith } from './mismatch.js'

const ascii = (text: string) => new TextEncoder().encode(text)

test('another protocol is named, with its first bytes and what to check', () => {
  expect(mismatch('PostgreSQL', ascii('HTTP/1.1 400 Bad Request\r\n')).finding).toEqual({
    reason: 'protocol-mismatch',
    message: 'expected PostgreSQL, but HTTP answers: the first bytes were "HTTP/1.1 400 Bad Request"',
    advice: 'Check the port: it belongs to HTTP and not to PostgreSQL.',
  })
})

test('what nobody knows is shown all the same', () => {
  expect(mismatch('Redis', Uint8Array.of(0xff, 0)).finding).toEqual({
    reason: 'protocol-mismatch',
    message: 'expected Redis, but something else answers: the first bytes were ff 00',
    advice: 'Check the port: what listens there is not Redis.',
  })
})

test('TLS from the first byte is a matter of TLS, and told how to get it', () => {
  const { finding } = mismatch('Redis', Uint8Array.of(0x15, 3, 1, 0, 2, 2, 40))
  expect(finding.reason).toBe('tls-failure')
  expect(finding.advice).toContain('rediss://')
})

test('the evidence may be another than bytes', () => {
  expect(mismatchWith('Redis', 'MySQL', 'it said so').finding.message).toBe(
    'expected Redis, but MySQL answers: it said so',
  )
})

test('who was told a secret has its bytes counted, and not shown', () => {
  const { message } = mismatch('Redis', ascii('HTTP/1.1 400 no s3cret-word\r\n'), { told: true }).finding
  expect(message).toBe('expected Redis, but HTTP answers: the first of 29 bytes was 0x48')
})

test('before a session is open, a refusal that no rule knows may pass', () => {
  const refused = (reason: 'query-error' | 'access-denied') => new ProbeError({ reason, message: 'no' })
  expect(atOpening(refused('query-error'))).toMatchObject({ finding: { reason: 'unknown', message: 'no' } })
  expect(atOpening(refused('access-denied'))).toMatchObject({ finding: { reason: 'access-denied' } })
  expect(atOpening(3)).toBe(3)
})
