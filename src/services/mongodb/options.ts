import { ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'

/** How a probe logs in. `x509` takes its name from the certificate. */
export type Mechanism = 'SCRAM-SHA-1' | 'SCRAM-SHA-256' | 'PLAIN' | 'MONGODB-X509'

const MECHANISMS: readonly string[] = ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'PLAIN', 'MONGODB-X509']

/** Other words for a server that may be a secondary. */
const READS = ['primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest'] as const
export type ReadPreference = (typeof READS)[number]

/** The parameters of an address that count. Source: MongoDB's specifications "Connection String" and "Auth". */
export interface Options {
  readonly mechanism: Mechanism | undefined
  /** The database that holds the user. */
  readonly source: string
  /** True where the address names the source. */
  readonly sourceGiven: boolean
  readonly replicaSet: string | undefined
  /** Whoever answers is the server that is meant. */
  readonly direct: boolean
  readonly reads: ReadPreference
  readonly appName: string | undefined
}

/** The names of parameters are the same in either case. */
const lookup = ({ params }: Target) => {
  const all = new Map([...params].map(([key, value]) => [key.toLowerCase(), value]))
  return (name: string) => all.get(name.toLowerCase())?.reveal()
}

export function optionsOf(target: Target): Options {
  const get = lookup(target)
  const mechanism = oneOf('authMechanism', get('authMechanism')?.toUpperCase(), MECHANISMS)
  const external = mechanism === 'MONGODB-X509'
  const named = get('authSource')
  if (named === '')
    throw misuse('authSource is empty', 'Name the database that holds the user, or leave it out.')
  const fallback = mechanism === 'PLAIN' ? '$external' : 'admin'
  return {
    mechanism: mechanism as Mechanism | undefined,
    source: external ? '$external' : (named ?? target.database ?? fallback),
    sourceGiven: named !== undefined,
    replicaSet: get('replicaSet') || undefined,
    direct: truth('directConnection', get('directConnection')),
    reads: (oneOf('readPreference', get('readPreference'), READS) ?? 'primary') as ReadPreference,
    appName: get('appName') || undefined,
  }
}

function oneOf(name: string, value: string | undefined, known: readonly string[]): string | undefined {
  if (value === undefined) return undefined
  const found = known.find(one => one.toLowerCase() === value.toLowerCase())
  if (found) return found
  throw misuse(
    `${name} "${value}" is not one that a probe knows`,
    `Use ${known.join(', ')}${name === 'authMechanism' ? ", or exec:'mongosh …'" : ''}.`,
  )
}

function truth(name: string, value: string | undefined): boolean {
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  throw misuse(`${name} "${value}" is not true or false`, `Write ${name}=true, or leave it out.`)
}

export const misuse = (message: string, advice: string): ProbeError =>
  new ProbeError({ reason: 'client-misuse', message, advice })
