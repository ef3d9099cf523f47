import type { Need } from './needs.js'
import { appsOf, environmentOf, type Project } from './project.js'

/**
 * Whether a variable is there where the program runs: `set` for every program that is given any of these variables,
 * `perhaps` for some of them or with a default in the code, `unnamed` where nothing sets or reads it.
 */
export type Standing = 'set' | 'perhaps' | 'unnamed'

export const variablesOf = ({ by }: Need): readonly string[] => ('url' in by ? [by.url] : by.variables)

/** Where a Compose file starts programs, only what it gives them counts as set: `.env` is for the file itself. */
export function standingOf(
  { tree, compose, variables, defaulted }: Project,
  needs: readonly Need[],
): (name: string) => Standing {
  const wanted = needs.flatMap(variablesOf)
  const all = compose ? appsOf(tree, compose.model) : []
  const built = all.filter(({ build }) => build !== undefined)
  const apps = built.length > 0 ? built : all
  const given = apps
    .map(app => new Set([...environmentOf(tree, app).keys()].filter(name => !isEmpty(app, name))))
    .filter(names => wanted.some(name => names.has(name)))
  return name => {
    if (!variables.has(name)) return 'unnamed'
    const set =
      apps.length > 0 ? given.length > 0 && given.every(names => names.has(name)) : !defaulted.has(name)
    return set ? 'set' : 'perhaps'
  }
}

/** Written as empty; what the shell shall give is not. */
const isEmpty = (app: ReturnType<typeof appsOf>[number], name: string): boolean => {
  const value = app.environment.get(name)?.value
  return value?.raw === ''
}
