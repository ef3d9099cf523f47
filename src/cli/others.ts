import { type HoldfastError, nearest, usage } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import { mainHelp, verbHelp } from './help.js'
import { parseCall } from './parse.js'
import { ENTRIES, entryOf } from './verbs/all.js'
import { version } from './version.js'

/** Runs whatever is not a plain `holdfast wait`. */
export async function runOther(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  const asked = name === '--help' || name === '-h' || name === 'help'
  if (asked && !rest[0]) {
    process.stdout.write(mainHelp(version()))
    return 0
  }
  const wanted = asked ? rest[0] : name
  const entry = entryOf(wanted)
  if (!entry) throw unknownVerb(wanted)
  const call = parseCall(entry.verb, asked ? ['--help'] : rest, process.env)
  if (!call.values.flag('help'))
    return entry.run(
      call,
      ENTRIES.map(one => one.verb),
    )
  process.stdout.write(verbHelp(entry))
  return 0
}

function unknownVerb(name: string | undefined): HoldfastError {
  const verbs = ENTRIES.map(({ verb }) => verb.name)
  if (name === undefined)
    return usage(`a verb is missing: ${verbs.join(', ')}. Try: holdfast wait postgres://app@db:5432/app`)
  const near = nearest(name, verbs)
  const hint = name.includes('://')
    ? `Did you mean: holdfast wait ${redactAddress(name)}`
    : near
      ? `Did you mean ${near}?`
      : `Known: ${verbs.join(', ')}.`
  return usage(`unknown verb "${redactAddress(name)}". ${hint}`)
}
