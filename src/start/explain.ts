import { nearest, usage } from '../core/errors.js'
import type { Example, Rule } from './rule.js'
import { RULES } from './rules/all.js'

/** One rule's text, with an example that it finds and one that it does not. @throws HoldfastError (usage) for an unknown id. */
export function explain(id: string): string {
  const rule = RULES.find(one => one.id === id)
  if (rule) return textOf(rule)
  const known = RULES.map(one => one.id)
  const near = nearest(id, known)
  throw usage(
    `--explain: "${id}" is no rule; ${near ? `did you mean ${near}?` : `known: ${known.join(', ')}`}`,
  )
}

const textOf = ({
  id,
  level,
  stage,
  title,
  why,
  advice,
  bad,
  good,
}: Rule): string => `${id} (${level}${stage === 'deploy' ? ', with --deploy' : ''}): ${title}

${why}

→ ${advice}

Found:
${shown(bad)}

Not found:
${shown(good)}
`

/** An example as lines of a shell and of a file. */
function shown({ env = {}, config, files = {}, programs, container }: Example): string {
  const lines = [
    ...(container ? ['# in a container'] : []),
    ...(programs ? [`# on PATH: ${programs.join(', ')}`] : []),
    ...Object.entries(files).map(
      ([path, { mode = 0o644 }]) => `# ${path} is there, with ${mode.toString(8).padStart(4, '0')}`,
    ),
    ...Object.entries(env).map(([name, value]) => `${name}=${/[\s&;$#]/.test(value) ? `'${value}'` : value}`),
    ...(config ? ['# holdfast.config.yaml', ...config.trimEnd().split('\n')] : []),
  ]
  return (lines.length > 0 ? lines : ['# an empty environment']).map(line => `  ${line}`).join('\n')
}
