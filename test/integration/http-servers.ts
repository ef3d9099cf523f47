/** Real web servers, closed after the test that started them. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { closedAtEnd } from '../conformance/probing.js'
import { type CertificateName, certificates } from '../support/certs.js'

/** The address of a server, without a slash at its end. */
export async function listening(server: Server, scheme = 'http', host = '127.0.0.1'): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  closedAtEnd(async () => {
    const closed = new Promise(resolve => server.close(resolve))
    server.closeAllConnections()
    await closed
  })
  const shown = host.includes(':') ? `[${host}]` : host
  return `${scheme}://${shown}:${(server.address() as AddressInfo).port}`
}

export const serve = (listener: RequestListener) => listening(createServer(listener))

export const answering = (status: number, body = '', headers: Record<string, string> = {}) =>
  serve((_, response) => response.writeHead(status, headers).end(body))

/** `https://localhost:PORT`, which says that it is ready. */
export async function secure(name: CertificateName, requestCert = false): Promise<string> {
  const all = await certificates()
  const options = { ...all[name], ca: all.ca.cert, requestCert, rejectUnauthorized: true }
  const server = createSecureServer(options, (_, response) => response.end('ready'))
  return (await listening(server, 'https')).replace('127.0.0.1', 'localhost')
}
