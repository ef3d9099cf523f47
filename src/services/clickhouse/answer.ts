import { ProbeError } from '../../core/service.js'
import type { Finding } from '../../core/verdict.js'
import type { BodyEnd, Head } from '../../wire/http.js'
import { mismatchWith } from '../mismatch.js'
import { reasonOfStatus, wantsHttps } from '../web.js'
import { classifyClickHouse } from './classify.js'

/** What came back for one statement. */
export interface Answer {
  readonly head: Head
  readonly text: string
  readonly end: BodyEnd
}

/** As much of an exception as its reason is looked for in. */
const LONGEST = 4_000

const NATIVE = /Port \d+ is for clickhouse-client program/

/** What answers there is not ClickHouse, or something in front of it that does not reach it. */
export function foreign(answer: Answer): ProbeError | undefined {
  const { head, text } = answer
  if (exceptionOf(answer)) return undefined
  if (NATIVE.test(text)) return native(text)
  const https = wantsHttps(head.status, `${head.reason} ${text}`)
  if (https) return new ProbeError({ ...https, advice: 'Write clickhouse+https:// in the address.' })
  const reason = reasonOfStatus(head.status)
  if (reason && reason !== 'server-not-ready') return undefined
  if (reason) return new ProbeError({ ...stated(answer), reason })
  // Of a success the result tells.
  if (isClickHouse(answer) || head.status === 200) return undefined
  return mismatchWith('ClickHouse', 'HTTP', `to a SELECT it gave ${status(answer)}`)
}

/** The refusal that an answer is, where it is one. */
export function refused(answer: Answer): ProbeError | undefined {
  const { head } = answer
  const found = exceptionOf(answer) ?? thrownLate(answer)
  if (found) return new ProbeError(found)
  if (head.status === 200) return undefined
  return new ProbeError({ ...stated(answer), reason: reasonOfStatus(head.status) ?? 'query-error' })
}

function native(text: string): ProbeError {
  const port = /use port (\d{1,5}) for HTTP/.exec(text)?.[1] ?? '8123'
  return new ProbeError({
    reason: 'protocol-mismatch',
    message: "expected ClickHouse's HTTP port, but this is the port of its native protocol",
    advice: `Use the HTTP port, here ${port}, in the address.`,
  })
}

const isClickHouse = ({ head }: Answer): boolean =>
  [...head.headers.keys()].some(name => name.startsWith('x-clickhouse-'))

const status = ({ head }: Answer): string => `status ${head.status}${head.reason ? ` ${head.reason}` : ''}`

function stated(answer: Answer): Pick<Finding, 'code' | 'message' | 'advice'> {
  const own = isClickHouse(answer)
  return {
    code: String(answer.head.status),
    message: own ? status(answer) : `${status(answer)}, from what stands in front of ClickHouse`,
    ...(own
      ? {}
      : { advice: 'See what the proxy or balancer on the way says, and whether its backend runs.' }),
  }
}

/** The exception that the answer consists of. Older servers tell its number only in the text. */
function exceptionOf(answer: Answer): Finding | undefined {
  const { head, text } = answer
  // Without an error status a text that looks like one is data.
  if (head.status === 200) return undefined
  const found = classifyClickHouse({ message: text.slice(0, LONGEST) })
  if (found) return found
  const code = head.headers.get('x-clickhouse-exception-code')
  if (!code || !/^\d{1,5}$/.test(code)) return undefined
  return classifyClickHouse({ message: `Code: ${code}. DB::Exception: ${status(answer)}` })
}

/** An exception after rows were sent, when the status was said: behind a mark, or at the end of the text. */
function thrownLate({ head, text, end }: Answer): Finding | undefined {
  if (head.status !== 200 || end === 'cut') return undefined
  const tail = text.slice(-LONGEST)
  const mark = /__exception__\s+(?:\w{16}\s+)?(Code: \d[\s\S]*)$/.exec(tail)?.[1]
  const marked = head.headers.has('x-clickhouse-exception-tag')
  // What stands at the very beginning was not sent after anything.
  const last = mark ?? (marked ? undefined : /[\s\S](Code: \d{1,5}[.,] [^\t\n]*DB::[^\t]*)$/.exec(tail)?.[1])
  return last === undefined ? undefined : classifyClickHouse({ message: last })
}
