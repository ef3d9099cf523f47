import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Entry, entryOf } from './entry.js'
import type { JournalOptions } from './journal.js'
import { linesOf } from './lines.js'
import { isReadable, type Place } from './place.js'
import { EXISTS, type Key, page } from './sql.js'
import { ask } from './table.js'

/** What a journal holds. */
export interface Records {
  /** Without order, each id once. */
  readonly entries: readonly Entry[]
  /** Lines that are no record: what a crash left, or what another program wrote. */
  readonly unreadable: number
  /** Whether there is such a journal at all. */
  readonly found: boolean
}

export interface ReadOptions extends Pick<JournalOptions, 'open'> {
  /** Only what happened at this time or later. */
  readonly since?: Date | undefined
}

/** How long the database is waited for, and each question, in milliseconds. */
const OPEN_MS = 3000
const ASK_MS = 30_000

/**
 * All records of a place: a file, a folder with what is below it, or a table. Records of unknown kinds are passed over.
 *
 * @throws what `open` throws, what reading a file throws, and a ProbeError of the database.
 */
export async function readJournal(place: Place, options: ReadOptions): Promise<Records> {
  const { since } = options
  if (place.kind === 'off') return { entries: [], unreadable: 0, found: false }
  const reading = new Reading(since?.getTime() ?? Number.NEGATIVE_INFINITY)
  const found =
    place.kind === 'files'
      ? fromFiles(place.path, reading, since)
      : await fromTable(place.url.reveal(), reading, options)
  return { entries: [...reading.entries.values()], unreadable: reading.unreadable, found }
}

class Reading {
  readonly entries = new Map<string, Entry>()
  unreadable = 0

  constructor(readonly sinceMs: number) {}

  take(line: string | undefined): void {
    const entry = line === undefined ? undefined : parsed(line)
    if (entry === undefined) this.unreadable++
    else if (entry !== 'other' && Date.parse(entry.at) >= this.sinceMs)
      this.entries.set(entry.id ?? `#${this.entries.size}`, entry)
  }
}

function parsed(line: string): ReturnType<typeof entryOf> {
  try {
    return entryOf(JSON.parse(line))
  } catch {
    return undefined
  }
}

function fromFiles(path: string, reading: Reading, since: Date | undefined): boolean {
  const files = filesIn(path)
  if (!files) return false
  const first = since?.toISOString().slice(0, 10)
  for (const file of files) {
    // A day's file holds what happened on that day.
    const day = /^\d{4}-\d\d-\d\d(?=\.ndjson$)/.exec(basename(file))?.[0]
    if (first === undefined || day === undefined || day >= first)
      for (const line of linesOf(file)) reading.take(line)
  }
  return files.length > 0
}

function filesIn(path: string): string[] | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat || !isReadable(stat)) return undefined
  if (!stat.isDirectory()) return [path]
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' })
  return names
    .filter(name => name.endsWith('.ndjson'))
    .sort()
    .map(name => join(path, name))
    .filter(isFile)
}

/** Not of what a link that leads nowhere, or to itself, names. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return false
    throw error
  }
}

async function fromTable(url: string, reading: Reading, { open, since }: ReadOptions): Promise<boolean> {
  const session = await open(url, OPEN_MS)
  try {
    const [there] = await ask(session, EXISTS, ASK_MS)
    if (there?.[0] !== 't') return false
    for (let after: Key | undefined; ; ) {
      const [row] = await ask(session, page(since?.getTime(), after), ASK_MS)
      const [lines, at, id] = row ?? []
      if (!lines || !at || !id) return true
      for (const line of lines.split('\n')) reading.take(line)
      after = { at, id }
    }
  } finally {
    await session.close()
  }
}
