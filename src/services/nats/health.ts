import type { Health } from '../../core/service.js'
import { Findings, plaintext } from '../findings.js'
import type { NatsSession } from './session.js'

/** What a NATS server tells when it greets. */
export async function healthOf({ link, info, server }: NatsSession): Promise<Health> {
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
