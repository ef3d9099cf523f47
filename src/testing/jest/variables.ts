export type Variables = Record<string, string | undefined>

/**
 * Sets and unsets variables in several environments: the copy that a test file sees, and Jest's own, which programs get that
 * a test starts. The returned function puts back what was there.
 */
export function put(environments: readonly Variables[], wanted: Readonly<Variables>): () => void {
  const restores = environments.map(env => {
    const before = Object.keys(wanted).map(name => [name, env[name]] as const)
    assign(env, Object.entries(wanted))
    return () => assign(env, before)
  })
  return () => {
    for (const restore of restores.splice(0)) restore()
  }
}

function assign(
  env: Variables,
  values: readonly (readonly [name: string, value: string | undefined])[],
): void {
  for (const [name, value] of values) {
    if (value === undefined) delete env[name]
    else env[name] = value
  }
}
