import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { Script } from '../support/peer.js'

/** Says the same for ever, as fast as the client reads. */
export const pours =
  (bytes: string | Uint8Array): Script =>
  async connection => {
    for (;;) {
      await connection.send(bytes)
      // A write that the kernel takes at once would leave no turn to anybody else in this process.
      await turn()
    }
  }

/** Says a little at a time, and never stops: it is not silent for long. */
export const drips =
  (bytes: string): Script =>
  async connection => {
    for (;;) {
      await connection.send(bytes)
      await delay(20)
    }
  }
