import type { SoundClient } from './client.js'
import type { Client } from './types.js'

type Release = SoundClient['release']

/** Told of what becomes of a client. */
export interface Ends {
  /** `error` is what it was released with, if it was one. */
  discard(why: string, client: SoundClient, error?: Error): void
  returned?(client: SoundClient): void
  /** Given to somebody who waits, past pg-pool. */
  handOn?(client: SoundClient, give: Release): boolean
}

/** How long a cursor or a query object of others may go on after its client was released. */
const OTHERS_MS = 5000

/** A checked-out client, whose `release` looks at it first. */
export function lend(client: SoundClient, ends: Ends): SoundClient & Client {
  const give = client.release
  let [given, revoked] = [false, false]
  client.takenAt = performance.now()
  client.revoke = () => {
    if (given) return
    revoked = true
    client.release(true)
  }
  client.release = error => {
    if (given && revoked) {
      revoked = false
      return
    }
    if (given) throw new Error('Release called on client which has already been released to the pool.')
    given = true
    takeBack(client, give, ends, error)
  }
  return client as unknown as SoundClient & Client
}

/** Back to pg-pool once nothing is under way on it, or closed. */
export function takeBack(client: SoundClient, give: Release, ends: Ends, error?: Error | boolean): void {
  if (!error && client.busy && !client.broken && !client.worn) {
    const timer = client.busyWithOthers
      ? setTimeout(() => client.destroy(new Error('a cursor was left open')), OTHERS_MS)
      : undefined
    const again = () => {
      clearTimeout(timer)
      client.removeListener('drain', again)
      client.removeListener('end', again)
      takeBack(client, give, ends)
    }
    client.once('drain', again).once('end', again)
    return
  }
  ends.returned?.(client)
  client.takenAt = undefined
  const why = error ? (error instanceof Error ? error.message : 'it was released as broken') : client.doubt
  if (why === undefined) {
    if (!ends.handOn?.(client, give)) give()
    return
  }
  client.worn ??= why
  give(error || true)
  ends.discard(why, client, error instanceof Error ? error : undefined)
}
