import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { wallClock } from './clock.js'
import { isDead, type Owner, ownerFrom, thisProcess } from './owner.js'

/** Who holds a lock, and which of all its locks it is. */
interface Holder extends Owner {
  readonly nonce: string
  /** When it counts as given up, however its owner does: Unix time in milliseconds. */
  readonly until: number
}

export interface FileLock {
  /** Never throws. */
  release(): void
}

/**
 * Takes the lock that `file` is, or resolves with undefined where a living process has it. One whose owner is dead, or
 * which is older than `lastMs`, is taken over; however many see it so, one of them wins.
 *
 * The file comes into being with its content (link), and a lock that was given up is removed only by the holder of
 * another lock that has its nonce in its name: so nobody removes one that was taken in the meantime.
 *
 * @throws an error of the file system, as where it knows no links.
 */
export function takeLock(file: string, lastMs: number, now: () => number = wallClock): FileLock | undefined {
  const mine: Holder = {
    ...thisProcess(),
    nonce: randomBytes(6).toString('hex'),
    until: now() + lastMs,
  }
  for (;;) {
    if (create(file, mine)) return { release: () => remove(file, mine.nonce) }
    const held = holderOf(file)
    // It was released in this moment.
    if (held === 'gone') continue
    if (!isDead(held) && now() < held.until) return undefined
    const claim = takeLock(`${file}-${held.nonce}`, lastMs, now)
    if (!claim) return undefined
    try {
      remove(file, held.nonce)
    } finally {
      claim.release()
    }
  }
}

function create(file: string, holder: Holder): boolean {
  const draft = `${file}-${holder.nonce}.new`
  writeFileSync(draft, JSON.stringify(holder), { flag: 'wx', mode: 0o600 })
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(draft)
  }
}

function holderOf(file: string): Holder | 'gone' {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone'
    throw error
  }
  const value = JSON.parse(text)
  const owner = ownerFrom(value)
  if (!owner || !/^[0-9a-f]{12}$/.test(value.nonce) || typeof value.until !== 'number')
    throw new Error(`${file} is no lock of holdfast's`)
  return { ...owner, nonce: value.nonce, until: value.until }
}

/** Removes that one lock; another one that is there by now stays. */
function remove(file: string, nonce: string): void {
  try {
    const held = holderOf(file)
    if (held !== 'gone' && held.nonce === nonce) unlinkSync(file)
  } catch {
    // What cannot be removed runs out by its time.
  }
}
