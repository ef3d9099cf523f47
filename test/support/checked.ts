import { parse } from 'yaml'
import { gatherFrom } from '../../src/cli/gather.js'
import { ENTRIES } from '../../src/cli/verbs/all.js'
import { problemsIn, validPart } from '../../src/config/schema.js'
import type { Machine } from '../../src/start/machine.js'
import type { Example } from '../../src/start/rule.js'
import type { Checked } from '../../src/start/subject.js'

/** A machine that has what the example says, and nothing else. */
const machineOf = ({ files = {}, programs = [], container = false, config }: Example): Machine => ({
  container,
  file(path) {
    const file = files[path]
    return file && { readable: true, folder: false, mode: 0o644, uid: 1000, ...file }
  },
  text: path => (path === 'holdfast.config.yaml' ? config : files[path]?.text),
  finds: program => programs.includes(program),
})

/** The small world of an example, read as the command line reads the real one. */
export async function subjectOf(example: Example, args: readonly string[] = []): Promise<Checked> {
  const value: unknown = example.config === undefined ? {} : parse(example.config)
  const placeOf = (...path: readonly string[]) => `holdfast.config.yaml: ${path.join('.')}`
  const problems = problemsIn(value).map(
    ({ path, text }) =>
      ({ id: 'config-invalid', level: 'error', message: text, where: placeOf(...path) }) as const,
  )
  const file = example.config === undefined ? {} : { file: 'holdfast.config.yaml' }
  return gatherFrom(
    args,
    { config: validPart(value), problems, placeOf, ...file },
    { env: example.env ?? {}, verbs: ENTRIES.map(({ verb }) => verb), machine: machineOf(example) },
  )
}
