import { type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Attempt, type Link, ProbeError, type Service } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Finding } from '../../core/verdict.js'
import { looksLike } from '../../wire/sniff.js'
import { mismatch } from '../mismatch.js'
import { authority, reasonOfStatus, wantsHttps } from '../web.js'

/** As much of a body as an expectation is looked for in. */
const MAX_BODY = 1 << 20

/** As much as an error page needs to say what is wrong. */
const SHORT_BODY = 1 << 12

/**
 * An HTTP address that answers as expected. The fragment says what that is, and is never sent:
 * `http://app/health#status=200-299,304&body=ready`. Default: any 2xx.
 */
export const http: Service = {
  name: 'http',
  abilities: [],
  classify,
  async open(target, attempt) {
    const expected = expectation(target)
    const link = await attempt.connect()
    try {
      if (target.tls.mode !== 'disable') await attempt.step('tls', () => link.startTls())
      const server = await attempt.step('query', () => ask(target, attempt, link, expected))
      return {
        server: { product: server },
        closed: new Promise(() => {}),
        close: async () => link.close(),
      }
    } catch (error) {
      link.close()
      throw error
    }
  },
}

interface Expected {
  readonly status: string
  readonly body?: string
}

function expectation(target: Target): Expected {
  const status = target.params.get('status')?.reveal() ?? '200-299'
  const body = target.params.get('body')?.reveal()
  if (!/^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/.test(status)) {
    throw new ProbeError({
      reason: 'client-misuse',
      message: `status "${status}" is not a list like 200-299,304`,
    })
  }
  return { status, ...(body ? { body } : {}) }
}

const within = (status: number, ranges: string): boolean =>
  ranges.split(',').some(range => {
    const [low = '', high = low] = range.split('-')
    return status >= Number(low) && status <= Number(high)
  })

async function ask(target: Target, attempt: Attempt, link: Link, expected: Expected): Promise<string> {
  const response = await send(target, attempt, link)
  const status = response.statusCode ?? 0
  if (!within(status, expected.status)) {
    // Only the text tells that the port wants TLS.
    const told = status === 400 ? await read(response, SHORT_BODY).catch(() => '') : ''
    response.destroy()
    throw new ProbeError(refusal(status, response, expected, told))
  }
  const unsigned = isUnsigned(response)
  if (expected.body !== undefined || unsigned) {
    const body = await read(response, MAX_BODY)
    const bytes = new TextEncoder().encode(body)
    if (unsigned && looksLike(bytes) === 'MongoDB')
      throw mismatch('HTTP', bytes, { told: target.password !== undefined })
    if (!body.includes(expected.body ?? ''))
      throw new ProbeError({
        reason: 'unmet',
        code: String(status),
        message: 'the body lacks the expected text',
      })
  }
  response.destroy()
  return String(response.headers.server ?? 'HTTP')
}

/** A short answer without a name: mongod gives a browser one, with status 200. */
const isUnsigned = ({ httpVersion, headers }: IncomingMessage): boolean =>
  httpVersion === '1.0' && !headers.server && Number(headers['content-length'] ?? 999) < 200

function send(target: Target, attempt: Attempt, link: Link): Promise<IncomingMessage> {
  const { password } = target
  const standard = target.tls.mode === 'disable' ? 80 : 443
  return new Promise((resolve, reject) => {
    const sent = request({
      createConnection: () => link.stream as Duplex,
      path: target.location?.reveal() ?? '/',
      ...(password ? { auth: password.reveal() } : {}),
      headers: {
        host: authority(target, standard),
        'user-agent': 'holdfast',
        accept: '*/*',
        connection: 'close',
      },
      signal: attempt.signal,
    })
    sent.once('response', resolve)
    sent.once('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response)
    })
    sent.once('error', error => {
      const raw = (error as { rawPacket?: Uint8Array }).rawPacket
      const told = password !== undefined
      reject(attempt.signal.aborted ? attempt.signal.reason : raw ? mismatch('HTTP', raw, { told }) : error)
    })
    sent.end()
  })
}

async function read(response: IncomingMessage, limit: number): Promise<string> {
  let body = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    body += chunk
    if (body.length > limit) break
  }
  return body
}

function refusal(
  status: number,
  { statusMessage, headers }: IncomingMessage,
  expected: Expected,
  told: string,
): Finding {
  const https = wantsHttps(status, `${statusMessage} ${told}`)
  if (https) return https
  const elsewhere =
    status >= 300 && status < 400 && headers.location
      ? { advice: 'It redirects: give the address that it leads to, or #status=200-399.' }
      : {}
  return {
    reason: reasonOfStatus(status) ?? 'unmet',
    code: String(status),
    message: `status ${status}${statusMessage ? ` ${statusMessage}` : ''}, expected ${expected.status}`,
    ...elsewhere,
  }
}

function classify(error: unknown): Finding | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  if (code === 'ECONNRESET' && message === 'socket hang up') {
    return { reason: 'connection-lost', code: 'EOF', message: 'the connection closed without an answer' }
  }
  return undefined
}
