/** Runs cases in child processes, and goes on behind one that crashed. */
import type { Batch, Case, Point, Result } from './cases.js'
import { runChild } from './children.js'
import type { Kind } from './world.js'

export interface Verdict {
  readonly case: Case
  /** undefined: the process crashed, and said `stderr`. */
  readonly result?: Result
  readonly stderr?: string
}

export async function record(program: string, told: Batch): Promise<Record<Case['claim'], Point[]>> {
  const { said, stderr } = await runChild(program, 'cases', { told })
  if (!said) throw new Error(`no recording: ${stderr}`)
  return said as Record<Case['claim'], Point[]>
}

export async function runCases(program: string, told: Batch, kind: Kind = 'ours'): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  let left = [...(told.cases ?? [])]
  while (left.length > 0) {
    const begun = new Set<number>()
    const batch = left
    const over = (index: number, verdict: Omit<Verdict, 'case'>) => {
      begun.delete(index)
      verdicts.push({ case: batch[index] as Case, ...verdict })
    }
    let next = 0
    const { status, stderr } = await runChild(program, 'cases', {
      kind,
      told: { ...told, cases: batch },
      timeoutMs: 120_000,
      heard: (message: { begun?: number; index?: number; result?: Result }) => {
        if (message.begun !== undefined) {
          begun.add(message.begun)
          next = message.begun + 1
        } else if (message.result) over(message.index as number, { result: message.result })
      },
    })
    for (const index of begun) over(index, { stderr: stderr || `ended with ${status}` })
    if (status === 0) break
    if (next === 0) throw new Error(`the program does not run: ${stderr}`)
    left = batch.slice(next)
  }
  return verdicts
}
