import { type Link, ProbeError, type Row } from '../../core/service.js'
import { query } from '../../wire/postgres.js'

interface Asked {
  readonly link: Link
  ask(): Promise<Row[]>
}

/** Sends all statements in one write, and reads an answer each; rejects with the first error once all have answered. */
export async function series(session: Asked, texts: readonly string[]): Promise<Row[][]> {
  session.link.write(Buffer.concat(texts.map(query)))
  const all: Row[][] = []
  const errors: unknown[] = []
  for (const _ of texts) {
    try {
      all.push(await session.ask())
    } catch (error) {
      errors.push(error)
      // Nobody answers any more.
      if (!(error instanceof ProbeError) || error.finding.reason === 'connection-lost') break
    }
  }
  if (errors.length > 0) throw errors[0]
  return all
}
