import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { containerOf } from '../io/machine.js'

export interface FileFacts {
  readonly readable: boolean
  readonly folder: boolean
  /** Permissions, like 0o600, which is also what Windows gets, where they say nothing. */
  readonly mode: number
  readonly uid: number
}

/** What the rules may ask of the machine: files, never the network. */
export interface Machine {
  readonly container: boolean
  /** Undefined where nothing is there. */
  file(path: string): FileFacts | undefined
  /** A small file's text, or undefined. */
  text(path: string): string | undefined
  /** Is there a program of that name, or at that path? */
  finds(program: string, path: string | undefined): boolean
}

/** Larger files are nothing that a person wrote. */
const LARGEST = 1_000_000

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** Where programs are looked for without PATH. Source: POSIX, `confstr(_CS_PATH)`, and Debian's sh. */
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** This machine; `env` tells whether Kubernetes runs it. */
export const thisMachine = (env: Readonly<Record<string, string | undefined>>): Machine => ({
  container: containerOf(env) !== undefined,
  file(path) {
    try {
      const stat = statSync(resolve(path))
      const mode = process.platform === 'win32' ? 0o600 : stat.mode & 0o777
      const facts = { folder: stat.isDirectory(), mode, uid: stat.uid }
      return { ...facts, readable: isReadable(path) }
    } catch (error) {
      // Something is there, but it is behind a folder that may not be entered.
      return (error as NodeJS.ErrnoException).code === 'EACCES'
        ? { folder: false, mode: 0, uid: 0, readable: false }
        : undefined
    }
  },
  text(path) {
    try {
      return statSync(path).size > LARGEST ? undefined : readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  finds: (program, path = USUAL_PATH) =>
    program.includes('/')
      ? isProgram(resolve(program))
      : path.split(delimiter).some(folder => isProgram(join(folder || '.', program))),
})

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}
