import type { Session } from '../core/service.js'
import type { Entry } from './entry.js'

/** Takes records. Whatever happens to it, what is recorded goes on: nothing here throws or rejects. */
export interface Journal {
  /** Resolves once the record is kept, and other processes can read it; with false where nothing takes it. */
  append(entry: Entry): Promise<boolean>
  /** The same at once; none where the place cannot. */
  appendSync?(entry: Entry): boolean
  /** Waits for what is under way. Without it nothing is held open for longer than half a second. */
  close(): Promise<void>
}

export interface JournalOptions {
  /** Opens a session at a `postgres://` address, and waits `timeoutMs` for what heals. */
  readonly open: (url: string, timeoutMs: number) => Promise<Session>
  /** Hears once what the user should know. */
  readonly warn?: (text: string) => void
  /** Hears once what only `-v` shows. */
  readonly note?: (text: string) => void
}
