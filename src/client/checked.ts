import { nearest, usage } from '../core/errors.js'

export type Kind = 'number' | 'boolean' | 'text' | 'any'

/** One message for what no helper can use: an unknown option names the nearest known one, or the one `instead` of it; a wrong value its option. */
export function checkOptions(
  helper: string,
  options: object,
  known: Readonly<Record<string, Kind>>,
  instead: Readonly<Record<string, string>> = {},
): void {
  if (typeof options !== 'object' || options === null)
    throw usage(
      `${helper}: options are ${options === null ? 'null' : shown(options)}, and have to be an object`,
    )
  const other = { ...PARTS, ...instead }
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined
    if (!kind) {
      const ours = Object.hasOwn(other, name) && other[name]
      if (ours) throw usage(`${helper}: option "${name}" is not known: it is ${ours}`)
      const near = nearest(name, Object.keys(known))
      const hint = near ? `Did you mean "${near}"?` : 'What is the driver\'s own goes into "settings".'
      throw usage(`${helper}: option "${name}" is not known. ${hint}`)
    }
    if (value === undefined || kind === 'any') continue
    const fits = kind === 'number' ? value >= 0 && value <= MOST_MILLIS : typeof value === TYPE[kind]
    if (!fits) throw usage(`${helper}: ${name} is ${shown(value)}, and has to be ${WORDS[kind]}`)
  }
}

/** Node's timers hold no more, and end at once. */
export const MOST_MILLIS = 2 ** 31 - 1

/** What drivers have as an option, and an address says here. */
const PARTS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'host',
    'port',
    'path',
    'socketPath',
    'user',
    'username',
    'database',
    'db',
    'uri',
    'url',
    'tls',
    'ssl',
  ].map(name => [name, 'part of the address, the first argument']),
)

const TYPE = { boolean: 'boolean', text: 'string' } as const
const WORDS = {
  number: `a number from 0 to ${MOST_MILLIS}`,
  boolean: 'true or false',
  text: 'a text',
} as const

/** A text may be a secret. */
const shown = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : `of type ${typeof value}`

export const CONNECT_OPTIONS = {
  connectTimeoutMillis: 'number',
  connectAttempts: 'number',
  connectDeadlineMillis: 'number',
  backoffMillis: 'number',
  backoffFactor: 'number',
  backoffMostMillis: 'number',
} as const satisfies Record<string, Kind>

/** Loads an optional peer. @throws HoldfastError (usage) that names what to install. */
export async function peer<T>(helper: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!isMissing(error, name)) throw error
    throw usage(`${helper} needs the package ${name}: npm install ${name}`)
  }
}

export const isMissing = (error: unknown, name: string): boolean =>
  /^(ERR_)?MODULE_NOT_FOUND$/.test((error as NodeJS.ErrnoException).code ?? '') &&
  (error as Error).message.includes(`'${name}`)
