import { ciOf } from '../../../core/ci.js'
import type { Concern } from '../../../core/concern.js'
import type { Host } from '../../../core/hosts.js'
import type { Health } from '../../../core/service.js'
import { containerOf, type Names, namesOf } from '../../../io/machine.js'
import { isLiteral } from '../../../io/resolve.js'
import { otherHost } from '../edits.js'
import type { Look, Subject } from '../subject.js'
import { type Provenance, provenanceOf } from './provenance.js'
import { lookUp, type Reached, reach } from './reach.js'
import { unknownName } from './unknown.js'
import { here } from './usual.js'

type Facts = Record<string, string>

/** What the host names resolve to, from where, and which of the addresses answer. */
export const names: Look = subject => namesFrom(subject)

export async function namesFrom(subject: Subject, root = '/', folder = here()): Promise<Health> {
  const { target, signal } = subject
  const named = target.hosts.flatMap(host => ('host' in host ? [host] : []))
  if (named.length === 0) return { facts: {}, concerns: [] }
  const machine = namesOf(root)
  const looked = await Promise.all(
    named.map(async host => {
      const found = await lookAt(host, subject, machine, root, folder, signal)
      const facts =
        named.length === 1
          ? found.facts
          : Object.fromEntries(
              Object.entries(found.facts).map(([key, value]) => [`${key} of ${host.host}`, value]),
            )
      return { facts, concerns: found.concerns }
    }),
  )
  return {
    facts: Object.assign({}, ...looked.map(one => one.facts)),
    concerns: looked.flatMap(one => one.concerns).map(concern => ({ ...concern, target: target.name })),
  }
}

type Named = Extract<Host, { host: string }>

async function lookAt(
  host: Named,
  subject: Subject,
  machine: Names,
  root: string,
  folder: string,
  signal: AbortSignal,
): Promise<{ facts: Facts; concerns: readonly Concern[] }> {
  if (host.address) return { facts: { resolvedFrom: `not asked: hostaddr is ${host.address}` }, concerns: [] }
  if (isLiteral(host.host)) return { facts: { resolvedFrom: 'a literal address' }, concerns: [] }
  const [{ addresses, code }, provenance] = await Promise.all([
    lookUp(host.host, signal),
    provenanceOf(host.host, machine, signal),
  ])
  if (addresses.length === 0) {
    const place = { container: containerOf(subject.env, root) !== undefined, ci: ciOf(subject.env) }
    const concern = await unknownName(host, subject, { machine, provenance, code, place, folder })
    return { facts: { resolvedFrom: 'nowhere', ...asked(provenance) }, concerns: [concern] }
  }
  // One address is what the probe went to.
  const reached = addresses.length > 1 ? await reach(addresses, host.port, signal) : []
  return {
    facts: {
      resolvedFrom: provenance.from ?? 'the system’s resolver',
      addresses: reached.length > 0 ? reached.map(stateOf).join(', ') : addresses.join(', '),
    },
    concerns: signal.aborted ? [] : dead(host, reached, provenance, subject),
  }
}

const asked = ({ told }: Provenance): Facts =>
  told.length === 0
    ? {}
    : { asked: told.map(({ server, name, code }) => `${server} for ${name}: ${code ?? 'found'}`).join(', ') }

const stateOf = ({ address, code }: Reached): string =>
  `${address} ${code ? `does not (${code})` : 'answers'}`

/** Some addresses of one name answer, and others do not: which one a program takes is its driver's affair. */
function dead(
  host: Named,
  reached: readonly Reached[],
  { from, file }: Provenance,
  subject: Subject,
): Concern[] {
  const gone = reached.filter(({ code }) => code !== undefined)
  const [alive] = reached.filter(({ code }) => code === undefined)
  if (gone.length === 0 || !alive) return []
  const list = gone.map(({ address, code }) => `${address} (${code})`).join(', ')
  const local = /^localhost$/i.test(host.host)
  const fix = local ? otherHost(subject, host.host, alive.address) : undefined
  return [
    {
      id: 'dead-address',
      level: 'warning',
      message: `${host.host} has ${reached.length} addresses, and on port ${host.port} ${list} does not answer, ${alive.address} does; a driver that tries one address only may pick the wrong one`,
      advice: local
        ? `Write ${alive.address} instead of localhost, or let the server listen on both.`
        : `Remove the address from ${file ? 'the hosts file' : 'DNS'}, or start the server behind it.`,
      ...(fix ? { fix } : {}),
      ...(from ? { where: from } : {}),
    },
  ]
}
