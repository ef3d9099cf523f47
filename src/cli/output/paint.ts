export interface Paint {
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
  dim(text: string): string
}

const wrap = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`

const COLOURS: Paint = { good: wrap(32), bad: wrap(31), warn: wrap(33), dim: wrap(2) }

const same = (text: string): string => text
const PLAIN: Paint = { good: same, bad: same, warn: same, dim: same }

/** Colours on a terminal; `NO_COLOR` and `FORCE_COLOR` decide otherwise (no-color.org, force-color.org). */
export function paintFor(env: Readonly<Record<string, string | undefined>>, terminal: boolean): Paint {
  if (env.NO_COLOR) return PLAIN
  if (env.FORCE_COLOR !== undefined)
    return env.FORCE_COLOR === '0' || env.FORCE_COLOR === 'false' ? PLAIN : COLOURS
  return terminal && env.TERM !== 'dumb' ? COLOURS : PLAIN
}
