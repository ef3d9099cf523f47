/** A configuration for tests of `run`, whose servers on this machine are none for production. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes `holdfast.config.json` into a folder, with the deploy stage kept to errors; the result writes another one. */
export function silencing(folder: string, config: object): (config: object) => void {
  const write = (given: object) =>
    writeFileSync(
      join(folder, 'holdfast.config.json'),
      JSON.stringify({ check: { failLevel: 'error' }, ...given }),
    )
  write(config)
  return write
}
