/** What the tests of the command line look at, and what every run has to keep to. */
import { expect } from 'vitest'
import { type CliOptions, type CliResult, holdfast } from '../support/cli.js'

/** The part of --json that tests look at. */
export interface Document {
  readonly ok: boolean
  readonly exitStatus: number
  readonly durationMs: number
  readonly targets: readonly TargetDocument[]
}

export interface TargetDocument {
  readonly name: string
  readonly service: string
  readonly address: string
  readonly source: string
  readonly state: 'ready' | 'gone' | 'waiting' | 'broken'
  readonly reason?: string
  readonly layer?: string
  readonly code?: string
  readonly message?: string
  readonly advice?: string
  readonly attempts: number
  readonly layers: readonly { layer: string; ok: boolean; address?: string; code?: string; hung?: true }[]
}

/** `holdfast wait --json`: its document, and the first of its targets. */
export async function waitJson(args: readonly string[], options?: CliOptions) {
  const result = await holdfast(['wait', '--json', ...args], options)
  expect(result.stdout, result.stderr).toMatch(/^\{.*\}\n$/)
  const document = result.json<Document>()
  expect(document.exitStatus).toBe(result.status)
  const [target] = document.targets
  if (!target) throw new Error('the document has no target')
  return { ...result, document, target }
}

/** A line of a stack trace. */
const STACK = /^ {4}at /m

/** It said one thing to the reader, without a stack, and nothing to programs. */
export function expectComplaint({ status, stdout, stderr }: CliResult, wanted: number, what: RegExp): void {
  expect(stderr).toMatch(what)
  expect({ status, stdout }).toEqual({ status: wanted, stdout: '' })
  expect(stderr).toMatch(/^holdfast: [^\n]+(\n {2}[^\n]+)*\n$/)
  expect(stderr).not.toMatch(STACK)
  expect(stderr).not.toMatch(/\bdefect\b|undefined|\[object/)
}

let start: Promise<number> | undefined

/** What starting and ending the program costs here by itself: the quickest of five. */
export function startMs(): Promise<number> {
  start ??= fastest(5, async () => (await holdfast(['--version'])).ms)
  return start
}

/** The least of several measurements: a busy machine makes things slow and never fast. */
export async function fastest(times: number, measure: () => Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let n = 0; n < times; n++) least = Math.min(least, await measure())
  return least
}

/** By how much a wait may outlive its time-out. */
export const OVERRUN_MS = 100

/** The deadline held: by the wait's own clock, and with the process around it as far as a busy machine lets it. */
export async function expectDeadline(
  { ms, document }: { ms: number; document: Document },
  timeoutMs: number,
): Promise<void> {
  expect(document.durationMs).toBeGreaterThanOrEqual(timeoutMs - 1)
  expect(document.durationMs).toBeLessThanOrEqual(timeoutMs + OVERRUN_MS)
  expect(ms).toBeLessThan(timeoutMs + OVERRUN_MS + (await startMs()) + 500)
}
