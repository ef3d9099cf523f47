import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { HoldfastError } from '../../core/errors.js'

/** A file as it shall be, and what it held when that was decided. */
export interface NewFile {
  readonly path: string
  /** Undefined: there was none. */
  readonly before: string | undefined
  readonly after: string
  readonly executable?: boolean
}

interface Staged extends NewFile {
  /** Where it really is: a link stays one. */
  readonly file: string
  readonly temporary: string
}

/**
 * Writes all files or none: each beside its place first, then all are renamed. Modes stay. What fails is undone.
 *
 * @throws HoldfastError (config) with one message that names the file.
 */
export function writeAll(folder: string, files: readonly NewFile[]): void {
  const made: string[] = []
  const staged: Staged[] = []
  const renamed: Staged[] = []
  let at = ''
  try {
    for (const file of files) {
      at = file.path
      staged.push(stage(folder, file, made))
    }
    for (const file of staged) {
      at = file.path
      if (textOf(file.file) !== file.before)
        throw new Error('it was changed in the meantime; run holdfast init again')
      renameSync(file.temporary, file.file)
      renamed.push(file)
    }
  } catch (error) {
    for (const file of renamed.reverse()) undo(file)
    for (const { temporary } of staged) rmSync(temporary, { force: true })
    for (const path of made.reverse()) attempt(() => rmdirSync(path))
    throw new HoldfastError('config', `${at}: cannot be written: ${reasonOf(error)}. Nothing was written`, {
      cause: error,
    })
  }
}

function stage(folder: string, file: NewFile, made: string[]): Staged {
  const path = join(folder, file.path)
  const broken = brokenLink(folder, path)
  if (broken)
    throw new Error(`${relative(folder, broken)} is a link to ${readlinkSync(broken)}, which is not there`)
  for (const missing of missingFolders(dirname(path))) {
    mkdirSync(missing)
    made.push(missing)
  }
  const real = existsSync(path) ? realpathSync(path) : path
  const temporary = `${real}.holdfast-${process.pid}`
  try {
    writeFileSync(temporary, file.after, { flag: 'wx' })
    const mode = existsSync(real) ? statSync(real).mode & 0o7777 : undefined
    if (mode !== undefined) chmodSync(temporary, file.executable ? mode | 0o111 : mode)
    else if (file.executable) chmodSync(temporary, statSync(temporary).mode | 0o111)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(temporary, { force: true })
    throw error
  }
  return { ...file, file: real, temporary }
}

/** The link among a path's parts that leads nowhere. */
function brokenLink(folder: string, path: string): string | undefined {
  if (existsSync(path) || path === folder || path === dirname(path)) return undefined
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()
    ? path
    : brokenLink(folder, dirname(path))
}

/** Outermost first. */
function missingFolders(path: string): string[] {
  return existsSync(path) ? [] : [...missingFolders(dirname(path)), path]
}

function undo({ file, before }: Staged): void {
  attempt(() => (before === undefined ? rmSync(file) : writeFileSync(file, before)))
}

function attempt(act: () => void): void {
  try {
    act()
  } catch {
    // What led here is told; this would hide it.
  }
}

const textOf = (file: string): string | undefined =>
  existsSync(file) ? readFileSync(file, 'utf8') : undefined

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'the system does not permit it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'the quota is used up',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder',
}

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return WORDS[code] ?? message
}
