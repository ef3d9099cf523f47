import { FileJournal } from './file.js'
import type { Journal, JournalOptions } from './journal.js'
import type { Place } from './place.js'
import { TableJournal } from './table.js'

/** Nothing is opened, made or connected before the first record. */
export function openJournal(place: Place, options: JournalOptions): Journal {
  if (place.kind === 'off') return NONE
  const { warn = () => {}, note = () => {} } = options
  if (place.kind === 'files') return new FileJournal(place, place.named ? warn : note)
  return new TableJournal(place, { ...options, warn }, new FileJournal(place.fallback, warn))
}

const NONE: Journal = { append: async () => false, appendSync: () => false, close: async () => {} }
