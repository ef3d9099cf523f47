import type { Health, Link } from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import type { ServerInfo } from '../../wire/nats.js'
import { Findings, plaintext } from '../findings.js'

interface Greeted {
  readonly link: Link
  readonly info: ServerInfo
  readonly server: Server
}

/** What a NATS server tells when it greets. */
export async function healthOf({ link, info, server }: Greeted): Promise<Health> {
  const findings = new Findings()
  findings.put({
    version: server.version,
    authRequired: info.auth_required ?? false,
    tls: link.secure,
    lameDuck: info.ldm ?? false,
  })
  if (!info.auth_required && !link.local) {
    findings.add({
      id: 'no-password',
      level: 'warning',
      message: `the server at ${link.address} asks nobody who they are`,
      advice: 'Ask for a login, in the configuration and in the address.',
      fix: 'authorization { users: [{ user: app, password: "…" }] }',
    })
  }
  findings.add(plaintext(link, 'nats+tls://'))
  return findings.health()
}
