import { randomUUID } from 'node:crypto'
import { closeSync, constants, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Entry, entryOf } from './entry.js'
import type { Journal } from './journal.js'
import type { Files } from './place.js'

/** The record as it is kept, under an id. */
export function recordOf(entry: Entry): Entry | undefined {
  const record = entryOf(entry)
  if (record === undefined || record === 'other') return undefined
  return { ...record, id: record.id && UUID.test(record.id) ? record.id : randomUUID() }
}

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/**
 * A file for each day (UTC) in a folder, or one file; each record is one write at its end. A line feed before it, too:
 * whatever a writer left unfinished there, killed or on a full disk, is a line of its own.
 */
export class FileJournal implements Journal {
  #told = false

  constructor(
    readonly place: Files,
    readonly tell: (text: string) => void,
  ) {}

  async append(entry: Entry): Promise<boolean> {
    return this.appendSync(entry)
  }

  appendSync(entry: Entry): boolean {
    const record = recordOf(entry)
    if (!record) return false
    const bytes = Buffer.from(`\n${JSON.stringify(record)}\n`)
    try {
      // What an unfinished write has left is read over; the disk may have room again.
      if (!this.#write(record, bytes) && !this.#write(record, bytes))
        throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
      return true
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (!this.#told)
        this.tell(
          `no journal: ${this.place.path} cannot be written (${code ?? message}); HOLDFAST_JOURNAL=FOLDER names another place, off none`,
        )
      this.#told = true
      return false
    }
  }

  async close(): Promise<void> {}

  /** Whether all of it was taken. */
  #write(record: Entry, bytes: Uint8Array): boolean {
    const file = fileOf(this.place, record)
    let descriptor: number
    try {
      descriptor = openSync(file, FLAGS)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      makeFolder(this.place, dirname(file))
      descriptor = openSync(file, FLAGS)
    }
    try {
      return writeSync(descriptor, bytes) === bytes.length
    } finally {
      closeSync(descriptor)
    }
  }
}

/** Not blocking: for a pipe without a reader an open would wait for ever. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)

const fileOf = ({ path }: Files, { at }: Entry): string =>
  path.endsWith('.ndjson') ? path : join(path, `${at.slice(0, 10)}.ndjson`)

/** One by one: below a folder that takes none, as /proc, Node's own `recursive` of some versions goes on for ever. */
function makeFolders(folder: string): void {
  const parent = dirname(folder)
  if (existsSync(folder)) return
  if (parent !== folder) makeFolders(parent)
  try {
    mkdirSync(folder)
  } catch (error) {
    // Made meanwhile, by another process.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** The project's own is kept out of version control. */
function makeFolder({ named }: Files, folder: string): void {
  makeFolders(folder)
  const top = dirname(folder)
  const ignore = join(top, '.gitignore')
  if (!named && basename(top) === '.holdfast' && !existsSync(ignore)) writeFileSync(ignore, '*\n')
}
