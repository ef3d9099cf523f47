import { existsSync, readFileSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HoldfastError, usage } from '../core/errors.js'
import { redactPath } from '../core/redact.js'
import type { Config } from './config.js'
import type { Problem } from './schema.js'

const ENDINGS = ['.ts', '.mts', '.js', '.mjs', '.json', '.yaml', '.yml']

export interface Loaded {
  readonly file: string
  readonly config: Config
}

/** Reads and validates one file. Throws one error (exit 78) that lists all its problems. */
export async function loadConfig(path: string): Promise<Loaded> {
  const { file, config, problems } = await examineConfig(path)
  if (problems.length === 0) return { file, config }
  throw invalid(
    file,
    problems.map(({ text }) => text),
  )
}

/** The valid part of a file, and all that is wrong in it. Throws (exit 78) where it cannot be read at all. */
export async function examineConfig(
  path: string,
): Promise<Loaded & { readonly problems: readonly Problem[] }> {
  const file = resolve(path)
  if (!existsSync(file)) throw invalid(redactPath(path), ['there is no such file'])
  const value = await read(file)
  const { problemsIn, validPart } = await import('./schema.js')
  return { file, config: validPart(value), problems: problemsIn(value) }
}

const invalid = (file: string, problems: readonly string[], cause?: unknown): HoldfastError =>
  new HoldfastError(
    'config',
    `${file}: ${problems.length === 1 ? problems[0] : `${problems.length} problems\n  ${problems.join('\n  ')}`}`,
    { cause },
  )

async function read(file: string): Promise<unknown> {
  const kind = extname(file)
  if (/^\.(json|ya?ml)$/.test(kind)) return data(file, kind)
  try {
    if (kind === '.js' || kind === '.mjs') return exported(await import(pathToFileURL(file).href))
    if (kind === '.ts' || kind === '.mts') return await viaJiti(file)
  } catch (error) {
    throw invalid(file, [`it cannot be read: ${firstLine(error)}`], error)
  }
  throw usage(`--config: "${redactPath(file)}" has an ending that is not one of ${ENDINGS.join(', ')}`)
}

async function data(file: string, kind: string): Promise<unknown> {
  try {
    const text = readFileSync(file, 'utf8')
    return kind === '.json' ? JSON.parse(text) : (await import('yaml')).parse(text)
  } catch (error) {
    // Parsers quote what they could not read, and that may be a password: neither the quotation nor the cause is shown.
    const [what] = firstLine(error).split(/:? *,? *(?:\.\.\.)?"|: /)
    throw invalid(file, [`it cannot be read: ${what?.replace(/:$/, '')}`])
  }
}

async function viaJiti(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  return exported(await createJiti(import.meta.url, { fsCache: false }).import(file))
}

function exported(module: unknown): unknown {
  if (typeof module === 'object' && module !== null && 'default' in module) return module.default
  throw new Error('it has no default export; write export default defineConfig({ … })')
}

const firstLine = (error: unknown): string =>
  String((error as Error | undefined)?.message ?? error).split('\n')[0] ?? ''
