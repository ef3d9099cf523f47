import { isCi } from '../core/ci.js'
import type { Host } from '../core/hosts.js'
import type { Target } from '../core/target.js'
import { mayDescend, type NotReady } from '../core/verdict.js'
import type { Env } from '../gate/variables.js'
import type { Seen } from '../standin/settle.js'
import { yesOrNo } from './wishes.js'

/** Is there a network? `forced`: there is none, `detect`: as it is found, `never`: there is, as in CI unless it is told otherwise. */
export type Offline = 'forced' | 'detect' | 'never'

/** @throws HoldfastError (usage) for a value of HOLDFAST_OFFLINE that is neither yes nor no. */
export function offlineBy(env: Env): Offline {
  const said = yesOrNo(env, 'HOLDFAST_OFFLINE')
  if (said === undefined) return isCi(env) ? 'never' : 'detect'
  return said ? 'forced' : 'never'
}

/** RFC 1122, 3.2.1.3 and RFC 6761, 6.3; an address of only zeros leads to this machine, too. */
const LOOPBACK =
  /^(localhost\.?|.+\.localhost\.?|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1?|::ffff:127\.\d+\.\d+\.\d+)$/i

/** Is all of it on this machine: loopback, Unix sockets, a command? */
export const isHere = ({ hosts, srv }: Target): boolean => !srv && hosts.every(isLocal)

const isLocal = (host: Host): boolean => 'path' in host || LOOPBACK.test(host.address ?? host.host)

/** What is known of a target beyond this machine while there is no network: it is not asked. */
export function notAsked(target: Target): Seen {
  const verdict: NotReady = {
    target: target.name,
    ready: false,
    layer: 'config',
    steps: [],
    heard: false,
    finding: {
      reason: 'host-unreachable',
      message: `HOLDFAST_OFFLINE is set and ${target.address} is not on this machine, so it was not asked`,
      advice: 'Unset HOLDFAST_OFFLINE where there is a network.',
    },
  }
  return { outcome: { target, state: 'waiting', verdict, attempts: 0, readyAfterMs: null }, waited: false }
}

/** Does this look as it does without a network: no name, no way, no answer? A refusal is one, and came by a network. */
export const isCutOff = ({ outcome: { verdict }, waited }: Seen): boolean =>
  !verdict.ready &&
  (verdict.layer === 'dns' || verdict.layer === 'tcp') &&
  verdict.finding.reason !== 'connection-refused' &&
  mayDescend(verdict, waited)
