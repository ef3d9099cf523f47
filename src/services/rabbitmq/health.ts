import type { Health } from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import { Findings, plaintext } from '../findings.js'
import type { Conversation } from './conversation.js'

interface Greeted {
  readonly server: Server
  readonly alarm: string | undefined
  readonly talk: Conversation
}

/** What a broker tells when it greets, and whether it has raised an alarm. */
export async function healthOf(session: Greeted): Promise<Health> {
  const { server, alarm, talk } = session
  const findings = new Findings()
  findings.put({ version: server.version, product: server.product, tls: talk.link.secure, alarm })
  if (alarm !== undefined) {
    findings.add({
      id: 'blocked',
      level: 'error',
      message: `the broker takes no messages: ${alarm}`,
      advice: 'Free memory or disk on the broker.',
      fix: 'rabbitmq-diagnostics alarms',
    })
  }
  findings.add(plaintext(talk.link, 'amqps://'))
  return findings.health()
}
