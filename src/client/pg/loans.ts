import type { SoundClient } from './client.js'
import type { Client } from './types.js'

type Release = SoundClient['release']
type Discard = (why: string, client: SoundClient) => void

/** A checked-out client, whose `release` looks at it first. */
export function lend(client: SoundClient, discard: Discard): SoundClient & Client {
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
    takeBack(client, give, discard, error)
  }
  return client as unknown as SoundClient & Client
}

/** Back to pg-pool once nothing is under way on it, or closed. */
export function takeBack(
  client: SoundClient,
  give: Release,
  discard: Discard,
  error?: Error | boolean,
): void {
  if (!error && client.busy && !client.broken && !client.worn) {
    const again = () => {
      client.removeListener('drain', again)
      client.removeListener('end', again)
      takeBack(client, give, discard)
    }
    client.once('drain', again).once('end', again)
    return
  }
  client.takenAt = undefined
  const why = error ? (error instanceof Error ? error.message : 'it was released as broken') : client.doubt
  if (why === undefined) {
    give()
    return
  }
  client.worn ??= why
  discard(why, client)
  give(error || true)
}
