import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { usage } from '../../core/errors.js'

/** What a schema is made of. */
export interface Content {
  readonly files?: readonly string[] | undefined
  readonly migrate?: unknown
  readonly cwd: string
}

/** A command or a function says nothing of what it reads: a later run, or another project, may need something else. */
export const isOfRun = ({ files = [], migrate }: Omit<Content, 'cwd'>): boolean =>
  Boolean(migrate) && files.length === 0

/**
 * What a schema is made of, as a hash: path and bytes of the files, what migrates, the server's major version. The same
 * in every process, and on every machine that has the same files. What migrates without files is known for one `run` in
 * one folder alone.
 *
 * @throws HoldfastError (usage) for a pattern without a file: a schema that is never made anew hides mistakes.
 */
export function contentHash(
  { files = [], migrate = '', cwd }: Content,
  major: number,
  run: () => string,
): string {
  const place = isOfRun({ files, migrate }) ? [cwd, run()] : []
  const hash = createHash('sha256').update(JSON.stringify(['holdfast', major, migrate, ...place]))
  for (const file of filesOf(files, cwd)) {
    const bytes = readFileSync(join(cwd, file))
    hash.update(JSON.stringify([file, bytes.length])).update(bytes)
  }
  return hash.digest('hex')
}

/**
 * The files of all patterns below `cwd`, sorted, with `/`. A pattern is a file, a directory (all that is in it), or
 * has `*`, `?`, `**`, `{a,b}`. Patterns do not match names that begin with a dot, or node_modules, unless they say so.
 */
export function filesOf(patterns: readonly string[], cwd: string): string[] {
  const found = new Set<string>()
  for (const pattern of patterns) {
    const files = matching(pattern, cwd)
    if (files.length === 0)
      throw usage(`isolation: no file fits "${pattern}" in ${cwd}; correct the pattern in "files"`)
    for (const file of files) found.add(file)
  }
  return [...found].sort()
}

function matching(pattern: string, cwd: string): string[] {
  const parts = pattern.replaceAll('\\', '/').replace(/^\.\//, '').split('/')
  const fixed = parts.findIndex(part => /[*?{]/.test(part))
  const base = resolve(cwd, parts.slice(0, fixed < 0 ? parts.length : fixed).join('/') || '.')
  const shown = (path: string) => relative(cwd, path).replaceAll(sep, '/')
  const stat = statSync(base, { throwIfNoEntry: false })
  if (!stat) return []
  if (fixed < 0 && stat.isFile()) return [shown(base)]
  const rest = fixed < 0 ? ['**'] : parts.slice(fixed)
  const fits = expressionOf(rest.join('/'))
  const hidden = rest.some(part => part.startsWith('.'))
  const all = [...walk(base, hidden, rest.includes('node_modules'))]
  return all.filter(path => fits.test(relative(base, path).replaceAll(sep, '/'))).map(shown)
}

function* walk(folder: string, hidden: boolean, packages: boolean): Iterable<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') && !hidden) continue
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' || packages) yield* walk(path, hidden, packages)
    } else if (entry.isFile() || statSync(path, { throwIfNoEntry: false })?.isFile()) yield path
  }
}

function expressionOf(glob: string): RegExp {
  let braces = 0
  const text = glob.replace(/\*\*\/|\*\*|[^\w/]/g, sign => {
    if (sign === '**/') return '(?:[^/]+/)*'
    if (sign === '**') return '.*'
    if (sign === '*') return '[^/]*'
    if (sign === '?') return '[^/]'
    if (sign === '{') {
      braces++
      return '(?:'
    }
    if (sign === '}' && braces > 0) {
      braces--
      return ')'
    }
    if (sign === ',' && braces > 0) return '|'
    return `\\${sign}`
  })
  if (braces > 0) throw usage(`isolation: "${glob}" has a { without a }`)
  return new RegExp(`^${text}$`)
}
