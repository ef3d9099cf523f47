import type { OptionTable, Verb } from './call.js'
import { EXAMPLES } from './examples.js'
import { COMMON, VERBS } from './spec.js'

/** `holdfast --help`. */
export function mainHelp(version: string): string {
  const width = Math.max(...VERBS.map(verb => verb.name.length))
  return `holdfast ${version}: makes the path from a program to its databases hold

Usage: holdfast VERB [OPTIONS] [TARGET…] [-- COMMAND ARG…]

Verbs:
${VERBS.map(verb => `  ${verb.name.padEnd(width)}  ${verb.summary}`).join('\n')}

TARGET is a URL (postgres://app@db:5432/app), NAME=URL, env:VARIABLE, exec:COMMAND, a libpq connection
string, or a name from the configuration. Without one: the configuration's, else what the environment names.

holdfast VERB --help shows a verb's options and examples.
`
}

/** `holdfast VERB --help`. */
export function verbHelp(verb: Verb): string {
  return `holdfast ${verb.name}: ${verb.summary}

Usage: ${verb.usage}

Options:
${optionLines({ ...verb.options, ...COMMON })}

Each option is also a variable: HOLDFAST_${Object.keys(verb.options)[0]?.toUpperCase().replaceAll('-', '_') ?? 'JSON'}. Durations are written 250ms, 5s or 2m.

Examples:
${(EXAMPLES[verb.name] ?? []).map(([does, command]) => `  # ${does}\n  ${command}`).join('\n')}
`
}

function optionLines(table: OptionTable): string {
  const rows = Object.entries(table).map(([name, option]) => {
    const short = option.short ? `-${option.short}, ` : '    '
    return [`  ${short}--${name}${option.value ? ` ${option.value}` : ''}`, option] as const
  })
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows
    .map(
      ([left, { help, default: standard }]) =>
        `${left.padEnd(width)}  ${help}${standard ? ` (default ${standard})` : ''}`,
    )
    .join('\n')
}
