import { type Link, LinkError, ProbeError } from '../../core/service.js'
import { BsonError, BsonLimitError, type Document, MAX_VALUES } from '../../wire/bson.js'
import { HEADER_BYTES, MAX_MESSAGE, opMsg, opQuery, replyDocument, replyHeader } from '../../wire/mongodb.js'
import { mismatch } from '../mismatch.js'
import { byCode } from './classify.js'

/** No greeting and no step of a login is longer, in bytes; a longer one is another protocol's. */
const SHORT_MESSAGE = 1 << 16

/** The reply to a query of the user's, in bytes: it is read as a whole, and nothing else is done meanwhile. */
const LONG_MESSAGE = 2_000_000

/** The first version of the wire that has OP_MSG: MongoDB 3.6. */
const WIRE_OP_MSG = 6

/** One command after the other over a link. */
export class Conversation {
  #id = 0
  /** What the server said of its version; commands go by OP_QUERY until it says that it has OP_MSG. */
  wireVersion = 0

  constructor(readonly link: Link) {}

  /** The reply to the command. Throws a ProbeError where it is an error. */
  async ask(database: string, command: Document, limit = SHORT_MESSAGE): Promise<Document> {
    const reply = await this.exchange(database, command, this.wireVersion >= WIRE_OP_MSG, limit)
    const error = failure(reply)
    if (error) throw error
    return reply
  }

  /** The same for a command whose reply may be longer. Beyond 2 MB or 20,000 values it is a query-error. */
  query = (database: string, command: Document): Promise<Document> =>
    this.ask(database, command, LONG_MESSAGE)

  /** The reply, whatever it says. */
  async exchange(
    database: string,
    command: Document,
    modern: boolean,
    limit = SHORT_MESSAGE,
  ): Promise<Document> {
    const id = ++this.#id
    this.link.write(modern ? opMsg(id, { ...command, $db: database }) : opQuery(id, database, command))
    const long = limit > SHORT_MESSAGE
    const { length, opcode, bytes } = await this.#header(id, long ? MAX_MESSAGE : limit)
    if (length > limit) throw this.#tooMuch(`${length} bytes, and a probe reads ${limit}`)
    const body = await this.link.read(length - HEADER_BYTES)
    try {
      return replyDocument(opcode, body)
    } catch (error) {
      if (!(error instanceof BsonError)) throw error
      if (long && error instanceof BsonLimitError)
        throw this.#tooMuch(`more than ${MAX_VALUES} values, which is all that a probe reads`)
      throw mismatch('MongoDB', new Uint8Array([...bytes, ...body.subarray(0, 64)]))
    }
  }

  /** Nothing of the reply is read any more, and nothing can follow it. */
  #tooMuch(much: string): ProbeError {
    this.link.close()
    return new ProbeError({
      reason: 'query-error',
      message: `the reply to the command has ${much}`,
      advice: 'Ask for less: one document by "limit" and few fields by "projection", or a count.',
    })
  }

  /** Told by its first bytes whether it is one, so that another protocol is neither waited for nor read. */
  async #header(id: number, limit: number) {
    const first = await this.link.peek()
    if (!replyHeader(first, id, limit)) throw mismatch('MongoDB', first)
    const bytes = await this.link.read(HEADER_BYTES).catch(error => {
      throw error instanceof LinkError ? mismatch('MongoDB', first) : error
    })
    const { length, opcode } = replyHeader(bytes, id, limit) ?? {}
    if (length === undefined || opcode === undefined) throw mismatch('MongoDB', bytes)
    return { length, opcode, bytes }
  }
}

/** What a reply that is an error means. Old servers answer some commands with `$err` instead. */
export function failure(reply: Document): ProbeError | undefined {
  const { ok, code, errmsg, $err } = reply
  if (ok === 1 || ok === true) return undefined
  const message = typeof errmsg === 'string' ? errmsg : typeof $err === 'string' ? $err : 'no message'
  return new ProbeError(typeof code === 'number' ? byCode(code, message) : { reason: 'query-error', message })
}
