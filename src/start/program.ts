import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { EXIT } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import { executable } from '../io/files.js'
import { failed, passed, type StageEnd } from './stages.js'

/** What execvp(3) takes where there is no PATH. */
const USUAL_PATH = '/usr/local/bin:/usr/bin:/bin'

/** Longest first line that Linux looks at, BINPRM_BUF_SIZE in binfmts.h. */
const FIRST_LINE = 256

/** Where a program is found, as execvp(3) looks for it; undefined where nothing of that name can be executed. */
export function findProgram(name: string, path = USUAL_PATH): string | undefined {
  const candidates = name.includes('/')
    ? [name]
    : path.split(delimiter).map(folder => join(folder || '.', name))
  return candidates.find(file => isFile(file) && executable(file))
}

/** Could COMMAND be started: is it there, may it be executed, and is the interpreter of its first line there? */
export function checkProgram([name = '']: readonly string[], path: string | undefined): StageEnd {
  const shown = redactAddress(name)
  const found = findProgram(name, path)
  if (!found) return unfit(name, shown)
  const seen = new Set<string>()
  for (let file = found; !seen.has(file); ) {
    seen.add(file)
    const [interpreter, argument] = interpreterOf(file)
    if (!interpreter) return passed(found === name ? shown : `${shown}: ${found}`)
    if (!findProgram(interpreter))
      return failed(
        EXIT.notExecutable,
        `${file}: its first line wants ${interpreter}, which is not there or not executable`,
      )
    // `#!/usr/bin/env node` wants node on PATH.
    const wanted = /(^|\/)env$/.test(interpreter) ? programOfEnv(argument) : undefined
    if (wanted && !findProgram(wanted, path))
      return failed(EXIT.notExecutable, `${file}: its first line wants ${wanted}, which is not on PATH`)
    file = interpreter
  }
  return passed(shown)
}

function unfit(name: string, shown: string): StageEnd {
  if (!name.includes('/')) return failed(EXIT.notFound, `${shown}: not found on PATH`)
  if (!existsSync(name)) return failed(EXIT.notFound, `${shown}: no such file`)
  return isFile(name)
    ? failed(EXIT.notExecutable, `${shown}: not executable; run chmod +x ${shown}`)
    : failed(EXIT.notExecutable, `${shown}: not a file`)
}

/** The words of `#!INTERPRETER ARGUMENT`; none for a binary. */
function interpreterOf(file: string): [interpreter?: string, argument?: string] {
  const line = /^#![ \t]*(\S+)[ \t]*([^\r\n]*)/.exec(firstBytes(file))
  return line ? [line[1] as string, line[2] ?? ''] : []
}

/** What `env [-S] [NAME=VALUE…] PROGRAM` runs. */
const programOfEnv = (words = ''): string | undefined =>
  words.split(/\s+/).find(word => word && !word.startsWith('-') && !word.includes('='))

function firstBytes(file: string): string {
  try {
    const handle = openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(FIRST_LINE)
      return bytes.toString('latin1', 0, readSync(handle, bytes, 0, FIRST_LINE, 0))
    } finally {
      closeSync(handle)
    }
  } catch {
    // It may be executed without being readable.
    return ''
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}
