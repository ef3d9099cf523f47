/** Many processes append to one journal and are killed at any moment; then every record that was kept must be there. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { placeOf } from '../../src/journal/place.js'
import { readJournal } from '../../src/journal/read.js'
import { journalOpener } from '../../src/testing/journal.js'
import { idOf } from './ids.js'

export interface Torture {
  /** A folder or a postgres URL. */
  readonly where: string
  /** For the program of the writers. */
  readonly temp: string
  readonly processes: number
  /** For each process. */
  readonly records: number
  /** How often each process is killed. */
  readonly kills: number
  /** From 0 to 1. */
  readonly random?: () => number
}

export interface Ordeal {
  /** Records whose append was told to have completed. */
  readonly completed: number
  readonly kills: number
  /** Of those completed, how many the journal does not have. */
  readonly lost: number
  readonly unreadable: number
  readonly found: number
  /** Milliseconds from the first start to the last end. */
  readonly ms: number
  /** What the writers had to say. */
  readonly told: string
}

/** The program of the writers, in one file. */
export async function writerIn(temp: string): Promise<string> {
  const program = join(temp, 'writer.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('writer.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['jiti', 'yaml', 'zod', 'zod/mini'],
    logLevel: 'error',
  })
  return program
}

export async function torture(options: Torture): Promise<Ordeal> {
  const { where, temp, processes, records } = options
  const program = await writerIn(temp)
  const begun = performance.now()
  const ends = await Promise.all(
    Array.from({ length: processes }, (_, writer) => life(writer, program, options)),
  )
  const ms = performance.now() - begun
  const place = placeOf(where, { env: {}, cwd: temp })
  const { entries, unreadable } = await readJournal(place, { open: journalOpener({}) })
  const ids = new Set(entries.map(entry => entry.id))
  const completed = ends.flatMap(({ kept }, writer) => [...kept].map(n => idOf(writer, n)))
  if (ends.some(({ kept }) => kept.size !== records))
    throw new Error(
      `a writer came to its end without all its records: ${ends.map(({ told }) => told).join('')}`,
    )
  return {
    completed: completed.length,
    kills: ends.reduce((sum, end) => sum + end.kills, 0),
    lost: completed.filter(id => !ids.has(id)).length,
    unreadable,
    found: entries.length,
    ms,
    told: ends.map(({ told }) => told).join(''),
  }
}

/** One writer, started anew after each kill with what has not been told to be kept. */
async function life(writer: number, program: string, options: Torture) {
  const { where, temp, records, random = Math.random } = options
  const kept = new Set<number>()
  let kills = 0
  let told = ''
  while (kept.size < records) {
    let from = 0
    while (kept.has(from)) from++
    const deadline =
      kills < options.kills ? 1 + Math.floor((random() * records) / (options.kills + 1)) : Infinity
    const child = spawn(process.execPath, [program, writer, from, records, 16].map(String), {
      cwd: temp,
      env: { PATH: process.env.PATH, HOLDFAST_JOURNAL: where },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let heard = 0
    let rest = ''
    child.stderr.on('data', chunk => {
      told += chunk
    })
    child.stdout.on('data', chunk => {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) kept.add(Number(line))
      heard += lines.length
      if (heard >= deadline) child.kill('SIGKILL')
    })
    const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(resolve =>
      child.on('close', (...end) => resolve(end)),
    )
    if (signal === 'SIGKILL') kills++
    else if (status !== 0) throw new Error(`writer ${writer} ended with ${status}: ${told}`)
    else if (kept.size < records) throw new Error(`writer ${writer} kept ${kept.size} of ${records}: ${told}`)
  }
  return { kept, kills, told }
}
