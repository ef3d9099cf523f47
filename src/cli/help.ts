import type { OptionTable } from './call.js'
import { COMMON } from './spec.js'
import { COMMON_TEXT, type VerbText } from './texts.js'
import { ENTRIES } from './verbs/all.js'
import type { VerbEntry } from './verbs/entry.js'

/** `holdfast --help`. */
export function mainHelp(version: string): string {
  const width = Math.max(...ENTRIES.map(({ verb }) => verb.name.length))
  return `holdfast ${version}: makes the path from a program to its databases hold

Usage: holdfast VERB [OPTIONS] [TARGET…] [-- COMMAND ARG…]

Verbs:
${ENTRIES.map(({ verb, text }) => `  ${verb.name.padEnd(width)}  ${text.summary}`).join('\n')}

TARGET is a URL (postgres://app@db:5432/app), NAME=URL, env:VARIABLE, exec:COMMAND, a libpq connection
string, or a name from the configuration. Without one: the configuration's, else what the environment names.

holdfast VERB --help shows a verb's options and examples.
`
}

/** `holdfast VERB --help`. */
export function verbHelp({ verb, text }: VerbEntry): string {
  return `holdfast ${verb.name}: ${text.summary}

Usage: ${text.usage}

Options:
${optionLines({ ...verb.options, ...COMMON }, { ...text.options, ...COMMON_TEXT })}

Each option is also a variable: HOLDFAST_${Object.keys(verb.options)[0]?.toUpperCase().replaceAll('-', '_') ?? 'JSON'}. Durations are written 250ms, 5s or 2m.

Examples:
${text.examples.map(([does, command]) => `  # ${does}\n  ${command}`).join('\n')}
`
}

function optionLines(table: OptionTable, texts: VerbText['options']): string {
  const rows = Object.entries(table).map(([name, option]) => {
    const short = option.short ? `-${option.short}, ` : '    '
    return [`  ${short}--${name}${option.value ? ` ${option.value}` : ''}`, texts[name]] as const
  })
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows
    .map(
      ([left, [help, standard] = ['', undefined]]) =>
        `${left.padEnd(width)}  ${help}${standard ? ` (default ${standard})` : ''}`,
    )
    .join('\n')
}
