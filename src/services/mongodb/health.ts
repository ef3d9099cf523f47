import { crowding } from '../../core/capacity.js'
import type { Health, Link } from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import type { Document, Value } from '../../wire/bson.js'
import { Findings, plaintext } from '../findings.js'
import type { Conversation } from './conversation.js'
import { again, type Hello } from './hello.js'

interface Asking {
  readonly link: Link
  readonly talk: Conversation
  readonly server: Server
}

const within = (document: Document | undefined, name: string): Document | undefined => {
  const value: Value | undefined = document?.[name]
  return value && typeof value === 'object' ? (value as Document) : undefined
}

const count = (value: Value | undefined): number | undefined =>
  typeof value === 'number' ? value : undefined

/** What a server tells everybody, and, who may monitor, of its connections. */
export async function healthOf(session: Asking, hello: Hello): Promise<Health> {
  const { link, talk } = session
  const findings = new Findings()
  const build = await findings.allowed(() => talk.ask('admin', { buildInfo: 1 }))
  const status = await findings.allowed(() => talk.query('admin', { serverStatus: 1 }))
  const connections = within(status, 'connections')
  const used = count(connections?.current)
  const left = count(connections?.available)
  const { kind, setName, primary } = hello
  findings.put({
    version: typeof build?.version === 'string' ? build.version : undefined,
    uptimeMs: session.server.ageMs ?? count(status?.uptimeMillis),
    role: kind,
    replicaSet: setName,
    primary,
    readOnly: kind === 'secondary' || kind === 'hidden' || kind === 'arbiter',
    connectionsUsed: used,
    connectionsMax: used !== undefined && left !== undefined ? used + left : undefined,
    tls: link.secure,
  })
  await findings.clock(async () => (await again(talk)).localTime)
  findings.add(crowding(findings.facts), plaintext(link, '?tls=true'))
  return findings.health()
}
