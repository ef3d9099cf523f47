import { createHmac, randomBytes } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Target } from '../core/target.js'
import type { Verdict } from '../core/verdict.js'
import type { Aim, Outcome } from '../gate/outcome.js'
import { startTimeOf } from '../io/owner.js'
import { privateDirectory } from '../io/private.js'
import { textOf } from '../io/text.js'
import type { Budget } from './look.js'
import { type Being, digest } from './run.js'

/** What was found out about a service, as it is kept: without a secret. */
export interface Answer extends Pick<Outcome, 'state' | 'attempts' | 'readyAfterMs'> {
  readonly verdict: Verdict
  /** Was the time for a service that is starting used up? */
  readonly waited: boolean
  /** When it was found: Unix time in milliseconds. */
  readonly at: number
}

/** Of the form of the files: another one has other names. */
const FORM = 1

/** A file that nobody has written for so long goes, in milliseconds. */
const OLD_MS = 24 * 3_600_000

const SALT = 'salt'

/** The answers that the processes of one user share: a file for each question, in a directory that is theirs alone. */
export class Answers {
  private constructor(
    readonly directory: string,
    readonly salt: string,
  ) {}

  /** Makes what is missing; undefined where the directory cannot be trusted or written. */
  static open(directory: string = usualDirectory()): Answers | undefined {
    if (!privateDirectory(directory)) return undefined
    try {
      return new Answers(directory, textOf(join(directory, SALT)) || newSalt(directory))
    } catch {
      return undefined
    }
  }

  /** The file for all that decides what the answer is; its name tells nothing of it. */
  fileOf({ target, service, probe }: Aim, budget: Budget): string {
    const { timeoutMs, attemptTimeoutMs } = budget
    return this.#named([FORM, service.name, revealed(target), probe ?? {}, timeoutMs, attemptTimeoutMs])
  }

  /** The file for a login that was rejected in a run: however it is asked there, and for how long. */
  rejectionOf({ target, service }: Aim, run: string): string {
    return this.#named([FORM, service.name, revealed(target), 'rejected in', run])
  }

  #named(question: unknown): string {
    const hash = createHmac('sha256', this.salt).update(JSON.stringify(question)).digest('hex')
    return join(this.directory, `${hash.slice(0, 40)}.json`)
  }

  /** The answer, unless it is older than `ttlMs`, or from a time to come. One found after `since` is never too old. */
  read(file: string, ttlMs: number, now: number, since = now): Answer | undefined {
    const text = textOf(file)
    if (text === undefined) return undefined
    try {
      const answer = JSON.parse(text) as Answer
      const age = now - answer.at
      const holds = age >= 0 && (age < ttlMs || answer.at > since)
      return holds && typeof answer.verdict.ready === 'boolean' ? answer : undefined
    } catch {
      return undefined
    }
  }

  /** Readers see the old one or the new one. What cannot be written is not kept. */
  write(file: string, content: object): void {
    const draft = `${file}.${randomBytes(6).toString('hex')}.new`
    try {
      writeFileSync(draft, JSON.stringify(content, unsetToo), { flag: 'wx', mode: 0o600 })
      renameSync(draft, file)
    } catch {
      discard(draft)
    }
  }

  /** The file for what a run keeps besides, under a key of its own; it goes with the run. */
  keptOf(root: Being, key: string): string {
    const hash = createHmac('sha256', this.salt).update(key).digest('hex')
    return join(this.directory, `${prefixOf(root)}${hash.slice(0, 40)}.json`)
  }

  /** Removes all that a run keeps. */
  forget(root: Being): void {
    for (const name of listed(this.directory))
      if (name.startsWith(prefixOf(root))) discard(join(this.directory, name))
  }

  /** Removes what nobody has written for a day, and what runs kept that are over. */
  sweep(now: number): void {
    for (const name of listed(this.directory)) {
      const file = join(this.directory, name)
      try {
        const old = name !== SALT && now - statSync(file).mtimeMs > OLD_MS
        if (old || isOfDeadRun(name)) unlinkSync(file)
      } catch {
        // Another process was quicker.
      }
    }
  }
}

/** One for each user of the machine: `holdfast-availability-UID`. */
function usualDirectory(): string {
  return join(tmpdir(), `holdfast-availability-${process.getuid?.() ?? userInfo().username}`)
}

const prefixOf = (root: Being): string => `run-${root.pid}-${digest(root)}-`

function isOfDeadRun(name: string): boolean {
  const [, pid, of] = /^run-(\d+)-([0-9a-f]+)-/.exec(name) ?? []
  if (!pid) return false
  const started = startTimeOf(Number(pid))
  return started === undefined || digest({ pid: Number(pid), started }) !== of
}

/** JSON has no undefined, which in an environment means that a variable is unset. */
export const unsetToo = (_: string, value: unknown) => (value === undefined ? null : value)

/** The first one that gets there counts for all. */
function newSalt(directory: string): string {
  const draft = join(directory, `${SALT}.${randomBytes(6).toString('hex')}.new`)
  writeFileSync(draft, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 })
  try {
    linkSync(draft, join(directory, SALT))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(draft)
  }
  return readFileSync(join(directory, SALT), 'utf8')
}

/** All that a connection to the target depends on, with its secrets: only ever hashed. */
function revealed({ given, hosts, srv, user, password, database, tls, params, location }: Target): unknown {
  return {
    given: given.reveal(),
    hosts: hosts.map(host => ({ ...host, password: host.password?.reveal() })),
    srv,
    user,
    password: password?.reveal(),
    database,
    tls: { ...tls, keyPassword: tls.keyPassword?.reveal() },
    params: [...params].map(([key, value]) => [key, value.reveal()]),
    location: location?.reveal(),
  }
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function discard(file: string): void {
  try {
    unlinkSync(file)
  } catch {
    // It is not there.
  }
}
