import { systemClock } from '../../../io/clock.js'
import { dial } from '../../../io/dial.js'
import { isLiteral, type Resolve, resolveHost } from '../../../io/resolve.js'

/** How long one name or one address is tried, in milliseconds. */
const PATIENCE_MS = 1500

export interface Reached {
  readonly address: string
  /** Why it did not accept; undefined where it did. */
  readonly code?: string
}

/** Connects to each of the addresses and closes at once. Never rejects. */
export function reach(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Reached[]> {
  return Promise.all(
    addresses.map(async address => {
      const { signal: limit, clear } = systemClock.deadline(PATIENCE_MS, signal)
      try {
        const { socket } = await dial([{ address, port }], limit)
        socket.destroy()
        return { address }
      } catch (error) {
        return { address, code: codeOf(error) }
      } finally {
        clear()
      }
    }),
  )
}

interface Looked {
  readonly addresses: readonly string[]
  readonly code?: string
}

/** How many names are asked for at the same time: a small name server drops what it has no room for. */
const LANES = 2
const lanes: Promise<unknown>[] = Array.from({ length: LANES }, () => Promise.resolve())
let next = 0

/** What is being asked for, whoever asks. */
const pending = new Map<string, Promise<Looked>>()

/** The addresses of a name, or the code of its failure. Never rejects. */
export function lookUp(name: string, signal: AbortSignal, resolve: Resolve = resolveHost): Promise<Looked> {
  if (isLiteral(name)) return Promise.resolve({ addresses: [name] })
  const known = pending.get(name)
  if (known) return known
  const lane = next++ % LANES
  const looked = (lanes[lane] ?? Promise.resolve())
    .then(() => lookUpNow(name, signal, resolve))
    .finally(() => pending.delete(name))
  lanes[lane] = looked
  pending.set(name, looked)
  return looked
}

async function lookUpNow(name: string, signal: AbortSignal, resolve: Resolve): Promise<Looked> {
  const { signal: limit, clear } = systemClock.deadline(PATIENCE_MS, signal)
  try {
    return { addresses: (await resolve(name, limit)).map(({ address }) => address) }
  } catch (error) {
    return { addresses: [], code: codeOf(error) }
  } finally {
    clear()
  }
}

/** Those of the names, in their order, that resolve and accept on this port. */
export async function answering(
  names: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<string[]> {
  const tried = await Promise.all(
    [...new Set(names)].map(async name => {
      const { addresses } = await lookUp(name, signal)
      const reached = await reach(addresses, port, signal)
      return reached.some(({ code }) => code === undefined) ? [name] : []
    }),
  )
  return tried.flat()
}

/** A deadline's error has no code of a text. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : 'ETIMEDOUT'
}
