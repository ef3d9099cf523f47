import { ProbeError } from '../../core/service.js'
import type { Finding, Server } from '../../core/verdict.js'
import { type Document, ObjectId, type Value } from '../../wire/bson.js'
import type { Conversation } from './conversation.js'
import { failure } from './conversation.js'
import { misuse, type Options } from './options.js'

/** UnsupportedOpQueryCommand: a server that has left OP_QUERY behind altogether. */
const NO_OP_QUERY = 352

/** What a server says of itself. Source: MongoDB's specification "Server Discovery And Monitoring", section `type`. */
export interface Hello {
  readonly kind: 'standalone' | 'mongos' | 'primary' | 'secondary' | 'arbiter' | 'hidden' | 'other' | 'ghost'
  readonly setName: string | undefined
  /** Host and port of the primary, where one is known. */
  readonly primary: string | undefined
  readonly me: string | undefined
  readonly wireVersion: number
  /** The mechanisms of the user that was asked for. */
  readonly mechanisms: readonly string[]
  /** Another one for each process. */
  readonly processId: ObjectId | undefined
  /** Milliseconds since 1970. */
  readonly localTime: number | undefined
}

/**
 * The greeting, by OP_QUERY: every server takes it for `isMaster`, also those that take nothing else by it any more.
 * `user` is `source.name`, to learn how this user may log in.
 */
export async function greet(talk: Conversation, options: Options, user?: string): Promise<Hello> {
  const command = {
    isMaster: 1,
    helloOk: true,
    client: {
      ...(options.appName ? { application: { name: options.appName } } : {}),
      driver: { name: 'holdfast', version: '0' },
      os: { type: 'unknown' },
    },
    ...(user ? { saslSupportedMechs: user } : {}),
  }
  let reply = await talk.exchange('admin', command, false)
  if (reply.code === NO_OP_QUERY) reply = await talk.exchange('admin', command, true)
  const error = failure(reply)
  if (error) throw error
  const hello = helloOf(reply)
  talk.wireVersion = hello.wireVersion
  return hello
}

/** The same once more on a session: roles change. */
export async function again(talk: Conversation): Promise<Hello> {
  return helloOf(await talk.ask('admin', { isMaster: 1 }))
}

export function helloOf(reply: Document): Hello {
  const { maxWireVersion, saslSupportedMechs, topologyVersion, localTime } = reply
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  const version = topologyVersion as Document | undefined
  const processId = version && typeof version === 'object' ? version.processId : undefined
  return {
    kind: kindOf(reply),
    setName: text(reply.setName),
    primary: text(reply.primary),
    me: text(reply.me),
    wireVersion: typeof maxWireVersion === 'number' ? maxWireVersion : 0,
    mechanisms: Array.isArray(saslSupportedMechs) ? saslSupportedMechs.filter(isText) : [],
    processId: processId instanceof ObjectId ? processId : undefined,
    localTime: typeof localTime === 'number' ? localTime : undefined,
  }
}

function kindOf({ msg, isreplicaset, setName, ...reply }: Document): Hello['kind'] {
  if (msg === 'isdbgrid') return 'mongos'
  if (isreplicaset === true) return 'ghost'
  if (!setName) return 'standalone'
  if (reply.ismaster === true || reply.isWritablePrimary === true) return 'primary'
  if (reply.arbiterOnly === true) return 'arbiter'
  if (reply.hidden === true && reply.secondary === true) return 'hidden'
  return reply.secondary === true ? 'secondary' : 'other'
}

/** What keeps this server from being talked to at all; its users cannot log in, or the address means another one. */
export function obstacle(
  hello: Hello,
  { replicaSet, direct }: Options,
  /** Of several hosts another may be of the right set: drivers leave out the one that is not. */
  alone = true,
): ProbeError | undefined {
  const { kind, setName } = hello
  if (kind === 'ghost')
    return problem({
      reason: 'server-not-ready',
      code: 'NotYetInitialized',
      message: 'the server is to be a member of a replica set, and has no configuration of one',
      advice: 'Run rs.initiate() once; a member that was removed from its set looks the same.',
    })
  if (replicaSet && setName !== replicaSet) {
    const what =
      kind === 'mongos' ? 'a mongos' : setName ? `a member of "${setName}"` : 'a member of no replica set'
    const message = `replicaSet=${replicaSet}, but this server is ${what}`
    if (alone) return misuse(message, 'Correct replicaSet in the address, or leave it out.')
    return problem({
      reason: 'server-not-ready',
      code: 'AnotherSet',
      message,
      advice: 'Take this host out of the address, or correct replicaSet.',
    })
  }
  if (kind === 'other')
    return problem({
      reason: 'server-not-ready',
      code: 'NotPrimaryOrSecondary',
      message: `this member of "${setName}" starts or recovers: it is neither primary nor secondary`,
    })
  if (kind === 'arbiter' && !direct)
    return problem({
      reason: 'read-only',
      code: 'ARBITER',
      message: `this is an arbiter of "${setName}", which holds no data`,
      advice: elsewhere(hello, 'Name the members that hold data.'),
    })
  return undefined
}

/** What keeps a session from what the address asks for: a server that takes writes, or one that may be read. */
export function unfit(hello: Hello, { direct, reads }: Options): ProbeError | undefined {
  const { kind, setName, primary } = hello
  if (direct || kind === 'primary' || kind === 'standalone' || kind === 'mongos')
    return wantsAnother(hello, reads, direct)
  if (kind === 'hidden')
    return problem({
      reason: 'read-only',
      code: 'HIDDEN',
      message: `this is a hidden member of "${setName}", which no driver reads from`,
      advice: elsewhere(hello, 'Name other members, or add directConnection=true.'),
    })
  if (reads !== 'primary') return undefined
  if (primary)
    return problem({
      reason: 'read-only',
      code: 'NotWritablePrimary',
      message: `this is a secondary of "${setName}"`,
      advice: elsewhere(hello, 'Name the primary.'),
    })
  return problem({
    reason: 'server-not-ready',
    code: 'NoPrimary',
    message: `"${setName}" has no primary that this secondary knows of`,
    advice: 'The set elects a primary: wait; if it lasts, check that most of its members are up.',
  })
}

/** readPreference=secondary is content with nothing else; a server without a set has no secondaries. */
function wantsAnother(
  { kind, setName }: Hello,
  reads: Options['reads'],
  direct: boolean,
): ProbeError | undefined {
  if (kind !== 'primary' || reads !== 'secondary' || direct) return undefined
  return problem({
    reason: 'server-not-ready',
    code: 'NoSecondary',
    message: `readPreference=secondary, and this is the primary of "${setName}"`,
    advice: 'Name the secondaries in the address, or use readPreference=secondaryPreferred.',
  })
}

const isText = (value: Value): value is string => typeof value === 'string'

const elsewhere = ({ primary }: Hello, otherwise: string): string =>
  primary
    ? `Name all members in the address; the primary is ${primary}. To read from a secondary, add readPreference=secondaryPreferred.`
    : otherwise

const problem = (finding: Finding): ProbeError => new ProbeError(finding)

/** What is known of the server, once its version was asked for. */
export function serverOf(hello: Hello, version?: string): Server {
  const { kind, processId, localTime } = hello
  return {
    product: 'MongoDB',
    ...(version ? { version } : {}),
    ...(processId ? { incarnation: processId.hex } : {}),
    ...(processId && localTime ? { ageMs: Math.max(0, localTime - processId.madeAt - 1000) } : {}),
    ...(kind === 'mongos' ? { via: 'mongos' } : {}),
  }
}
