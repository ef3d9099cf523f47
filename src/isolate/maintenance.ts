import { HoldfastError } from '../core/errors.js'
import { bareNames, unnamedHosts } from '../core/near.js'
import { shellWord } from '../core/quoting.js'
import { Secret } from '../core/redact.js'
import type { Session } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { Ready } from '../core/verdict.js'
import { openSession } from '../gate/open.js'
import type { Aim } from '../gate/outcome.js'
import { isNear } from '../io/near.js'

/** How long a server may take to let the first session in, in milliseconds. */
const FIRST_MS = 10_000

/** What a session in another database would do without is left out, above all the user's search_path. */
const withoutOptions = (target: Target): Target => ({
  ...target,
  hosts: target.hosts.slice(0, 1),
  params: new Map([
    ...[...target.params].filter(([key]) => key !== 'options'),
    ['application_name', new Secret('holdfast isolation')],
  ]),
})

/**
 * A session in the database `postgres`, so that nobody's own database is held open and all processes share their
 * locks; in the given one where the role may not enter that.
 */
export async function maintenance(
  { target: given, service }: Aim,
  allowRemote: readonly string[],
): Promise<{ session: Session; target: Target }> {
  refuseRemote(given, allowRemote)
  const options = { timeoutMs: FIRST_MS, graceMs: 0 }
  const target = withoutOptions(given)
  const usual = { ...target, database: 'postgres' }
  let chosen = usual
  let opened = await openSession({ target: usual, service }, options, verdict =>
    ['database-not-found', 'access-denied'].includes(verdict.finding.reason),
  )
  if (!opened.session && given.database && given.database !== 'postgres') {
    chosen = target as typeof usual
    opened = await openSession({ target, service }, options)
  }
  const { session, verdict } = opened
  if (!verdict.ready) throw HoldfastError.fromVerdict(verdict)
  if (!session) throw new HoldfastError('config', 'isolation: no session could be had')
  await refuseReached(given, allowRemote, verdict, session)
  if (!verdict.server.via) return { session, target: chosen }
  await session.close()
  throw new HoldfastError(
    'config',
    `${given.address} leads to a pooler (${verdict.server.via}), which knows databases by its own configuration. Give isolation the address of the server itself.`,
  )
}

/** @throws HoldfastError for a server beyond this machine that was not named, as far as its address shows. */
export function refuseRemote(target: Target, allowRemote: readonly string[]): void {
  refuse(unnamedHosts([target], allowRemote))
}

/**
 * A name without a dot shows it only once somebody is there.
 * @throws HoldfastError where it led beyond this machine and was not named; the session is closed then.
 */
export async function refuseReached(
  target: Target,
  allowRemote: readonly string[],
  { steps }: Pick<Ready, 'steps'>,
  session?: Session,
  near: (address: string) => boolean = isNear,
): Promise<void> {
  const names = bareNames([target]).filter(name => !allowRemote.includes(name))
  if (names.length === 0) return
  const reached = steps.findLast(({ layer, state }) => layer === 'tcp' && state === 'ok')?.address
  if (reached !== undefined && near(reached)) return
  await session?.close()
  refuse(names, reached)
}

/** @throws HoldfastError where there are hosts that nobody named. */
export function refuse(hosts: readonly string[], reached?: string): void {
  if (hosts.length === 0) return
  const words = hosts.map(host => `--allow-remote ${shellWord(host)}`).join(' ')
  throw new HoldfastError(
    'config',
    `isolation would make and drop databases at ${hosts.join(' and ')}${reached ? ` (${reached})` : ''}, which it does on this machine only. Give it a server of its own, or say ${words} (allowRemote: ${JSON.stringify(hosts)})`,
  )
}
