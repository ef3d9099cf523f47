import type { Concern } from './concern.js'

type Facts = Readonly<Record<string, string | number | boolean>>

/** Above it a server, or a role, is nearly full. */
const NEARLY = 0.8

interface Limit {
  /** What has this limit, for a message. */
  readonly of: string
  readonly max: number
  readonly used: number | undefined
}

/** What bounds this login's connections: of the server what is not reserved, of the role, of the database. */
function limitsOf(facts: Facts): Limit[] {
  const count = (name: string) => {
    const value = facts[name]
    return typeof value === 'number' ? value : undefined
  }
  const limit = (of: string, max: number | undefined, used: number | undefined) =>
    max === undefined ? [] : [{ of, max, used }]
  const all = count('connectionsMax')
  const open = all === undefined ? undefined : Math.max(0, all - (count('connectionsReserved') ?? 0))
  return [
    ...limit('the server', open, count('connectionsUsed')),
    ...limit('the role', count('roleConnectionsMax'), count('roleConnectionsUsed')),
    ...limit('the database', count('databaseConnectionsMax'), count('databaseConnectionsUsed')),
  ]
}

/** How near the server, the role or the database is to its limit of connections, by the facts of `Health`. */
export function crowding(facts: Facts): Concern | undefined {
  const fullness = ({ used = 0, max }: Limit) => (max > 0 ? used / max : 1)
  const [fullest] = limitsOf(facts)
    .filter(({ used }) => used !== undefined)
    .sort((a, b) => fullness(b) - fullness(a))
  if (!fullest || fullness(fullest) <= NEARLY) return undefined
  const { of, max, used = 0 } = fullest
  return {
    id: 'connections-nearly-full',
    level: used >= max ? 'error' : 'warning',
    message: `${used} of the ${max} connections that ${of} allows are taken`,
    advice: 'Look for who holds them, make pools smaller, or put a pooler in front.',
  }
}

export interface Pool {
  readonly max: number
  /** Default 1. */
  readonly processes?: number | undefined
}

/**
 * Whether a program's pool fits what the facts of `Health` allow: `connectionsMax` less `connectionsReserved`, and the
 * limits of role and database. Undefined where it does, and where no limit is known, as behind a pooler.
 */
export function capacity(facts: Facts, pool: Pool): Concern | undefined {
  const processes = pool.processes ?? 1
  const wanted = pool.max * processes
  const sum =
    processes === 1 ? `a pool of ${wanted}` : `${processes} pools of ${pool.max}, ${wanted} connections`
  const [tightest] = limitsOf(facts).sort((a, b) => a.max - b.max)
  if (!tightest) return undefined
  const fitting = (room: number) => Math.max(1, Math.floor(room / processes))
  const fix = (room: number) =>
    `pool: { max: ${fitting(room)}${processes === 1 ? '' : `, processes: ${processes}`} }`
  if (wanted > tightest.max) {
    return {
      id: 'pool-too-large',
      level: 'error',
      message: `${sum}: more than the ${tightest.max} connections that ${tightest.of} allows`,
      advice: 'Make the pool smaller, raise the limit, or put a pooler in front.',
      fix: fix(tightest.max * NEARLY),
    }
  }
  const left = (limit: Limit) => limit.max - (limit.used ?? 0)
  const [least] = limitsOf(facts).sort((a, b) => left(a) - left(b))
  if (least && wanted > left(least)) {
    return {
      id: 'pool-does-not-fit-now',
      level: 'warning',
      message: `${sum}: ${least.used} of the ${least.max} connections that ${least.of} allows are taken, and ${Math.max(0, left(least))} are left`,
      advice: 'Where those are of this program, it fits; else make the pool smaller, or find who holds them.',
      fix: fix(Math.max(1, left(least))),
    }
  }
  if (wanted <= tightest.max * NEARLY) return undefined
  return {
    id: 'pool-leaves-little',
    level: 'warning',
    message: `${sum}: more than ${NEARLY * 100} % of the ${tightest.max} connections that ${tightest.of} allows`,
    advice:
      'While old and new processes overlap, as in a deployment, it does not fit: make the pool smaller.',
    fix: fix(tightest.max * NEARLY),
  }
}
