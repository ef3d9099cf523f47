import { randomUUID } from 'node:crypto'
import {
  type Expectation,
  type Health,
  type Link,
  ProbeError,
  type Row,
  type Session,
} from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import { type Document, ObjectId, type Value } from '../../wire/bson.js'
import type { Conversation } from './conversation.js'
import { again, type Hello, serverOf, unfit } from './hello.js'
import { misuse, type Options } from './options.js'

/** What drivers use where the address names none. */
const DATABASE = 'test'

export class MongodbSession implements Session {
  #hello: Hello
  #version: string | undefined
  /** The greeting is fresh: it is not asked for at once once more. */
  #fresh = true

  constructor(
    readonly link: Link,
    readonly talk: Conversation,
    hello: Hello,
    readonly options: Options,
    readonly database = DATABASE,
  ) {
    this.#hello = hello
  }

  get server(): Server {
    return serverOf(this.#hello, this.#version)
  }

  get closed(): Promise<unknown> {
    return this.link.closed
  }

  /** Ready is a server that answers in the role that the address asks for. */
  async ping(): Promise<void> {
    await this.talk.ask('admin', { ping: 1 })
    if (!this.#fresh) this.#hello = await again(this.talk)
    this.#fresh = false
    const problem = unfit(this.#hello, this.options)
    if (problem) throw problem
  }

  async inspect(): Promise<Server> {
    this.#hello = await again(this.talk)
    const { version } = await this.talk.ask('admin', { buildInfo: 1 })
    if (typeof version === 'string') this.#version = version
    const { ageMs } = this.server
    return { ...this.server, ...(ageMs === undefined ? await this.#uptime() : {}) }
  }

  async health(): Promise<Health> {
    const { healthOf } = await import('./health.js')
    return healthOf(this, await again(this.talk))
  }

  /** Only a user that may monitor learns it, and only servers before 4.4 are asked. */
  async #uptime(): Promise<Pick<Server, 'ageMs'>> {
    try {
      const { uptimeMillis } = await this.talk.query('admin', { serverStatus: 1 })
      return typeof uptimeMillis === 'number' ? { ageMs: uptimeMillis } : {}
    } catch (error) {
      if (error instanceof ProbeError) return {}
      throw error
    }
  }

  /** A command as JSON; the rows are the documents of its cursor, or its one reply. */
  async query(text: string): Promise<readonly Row[]> {
    const reply = await this.talk.query(this.database, commandOf(text))
    const batch = fieldOf(reply.cursor, 'firstBatch')
    if (Array.isArray(batch)) return batch.map(rowOf)
    const { ok, $clusterTime, operationTime, topologyVersion, ...fields } = reply
    return [Object.keys(fields).length > 0 ? rowOf(fields) : rowOf({ ok: ok ?? null })]
  }

  /** A collection of its own, which is dropped. */
  async write(): Promise<void> {
    const collection = `holdfast_probe_${randomUUID().replaceAll('-', '')}`
    const writeConcern = { w: 1 }
    const reply = await this.talk.ask(this.database, {
      insert: collection,
      documents: [{ _id: 1 }],
      writeConcern,
    })
    const [failed] = Array.isArray(reply.writeErrors) ? reply.writeErrors : []
    await this.talk.ask(this.database, { drop: collection, writeConcern })
    if (failed || reply.n !== 1)
      throw new ProbeError({
        reason: 'query-error',
        message: textOf(fieldOf(failed, 'errmsg')) ?? 'the server did not insert the document',
      })
  }

  /** A table is a collection; there are no columns or extensions to ask for. */
  async missing({ tables = [], columns = [], extensions = [] }: Expectation): Promise<string | undefined> {
    const [other] = [...columns.map(name => `column ${name}`), ...extensions.map(name => `extension ${name}`)]
    if (other) throw misuse(`MongoDB cannot be asked for ${other}`, 'Expect collections, as tables.')
    if (tables.length === 0) return undefined
    const { cursor } = await this.talk.query(this.database, {
      listCollections: 1,
      nameOnly: true,
      authorizedCollections: true,
      filter: { name: { $in: [...tables] } },
      cursor: { batchSize: tables.length + 1 },
    })
    const batch = fieldOf(cursor, 'firstBatch')
    const found = new Set(Array.isArray(batch) ? batch.map(one => fieldOf(one, 'name')) : [])
    const missing = tables.filter(name => !found.has(name)).map(name => `collection ${name}`)
    return missing.length > 0 ? missing.join(', ') : undefined
  }

  async close(): Promise<void> {
    this.link.close()
  }
}

function commandOf(text: string): Document {
  let command: unknown
  try {
    command = JSON.parse(text)
  } catch {
    command = undefined
  }
  if (
    typeof command === 'object' &&
    command !== null &&
    !Array.isArray(command) &&
    Object.keys(command).length > 0
  )
    return command as Document
  throw misuse(
    `the query ${text} is not a command as JSON`,
    `Write it like {"count":"users"} or {"find":"users","limit":1}.`,
  )
}

/** The values in their order; an identifier comes last, since it is never an answer. */
function rowOf(document: Value): Row {
  if (!isDocument(document)) return [shown(document)]
  const { _id, ...fields } = document
  return [...Object.values(fields), ...(_id === undefined ? [] : [_id])].map(shown)
}

function shown(value: Value): string | null {
  if (value === undefined || value === null) return null
  const plain = legible('', value)
  return typeof plain === 'object' ? JSON.stringify(plain, legible) : String(plain)
}

/** Identifiers as their digits, bytes as Base64. */
function legible(_: string, value: unknown): unknown {
  if (value instanceof ObjectId) return value.hex
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}

const isDocument = (value: Value): value is Document =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array) &&
  !(value instanceof ObjectId)

const fieldOf = (value: Value, name: string): Value => (isDocument(value) ? value[name] : undefined)

const textOf = (value: Value): string | undefined => (typeof value === 'string' ? value : undefined)
