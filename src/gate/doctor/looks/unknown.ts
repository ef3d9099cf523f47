import type { Concern } from '../../../core/concern.js'
import { nearest } from '../../../core/errors.js'
import type { Names } from '../../../io/machine.js'
import { exists } from '../../../io/nameservers.js'
import { originsOf } from '../../origins.js'
import { otherHost } from '../edits.js'
import type { Subject } from '../subject.js'
import type { Provenance } from './provenance.js'
import { answering, lookUp } from './reach.js'
import { usualNames } from './usual.js'

interface Circumstances {
  readonly machine: Names
  readonly provenance: Provenance
  readonly code: string | undefined
  readonly place: { readonly container: boolean; readonly ci: string | undefined }
  readonly folder: string
}

/** Why a name has no address: there is none, or nobody who could tell was reached. */
export async function unknownName(
  host: { readonly host: string; readonly port: number },
  subject: Subject,
  { machine, provenance, code, place, folder }: Circumstances,
): Promise<Concern> {
  const origin = originsOf(subject.target, subject.env).get('host') ?? subject.target.source
  const { resolver } = machine
  const silent = provenance.told.filter(one => !exists(one))
  if (provenance.told.length === 0 ? code !== 'ENOTFOUND' : provenance.told.every(one => !exists(one))) {
    const servers = silent.length > 0 ? silent : resolver.nameservers.map(server => ({ server, code }))
    return {
      id: 'resolver-unreachable',
      level: 'error',
      message: `no name server answered for ${host.host}: ${servers.map(one => `${one.server} (${one.code ?? 'no answer'})`).join(', ')}`,
      advice:
        'Look at the nameserver lines of /etc/resolv.conf and at the way there; whether the name exists is not known.',
      where: '/etc/resolv.conf',
    }
  }
  const best = await better(host, subject, machine, folder)
  const tried = [...new Set(provenance.told.map(({ name }) => name))]
  const asked =
    tried.length > 1 || (tried[0] && tried[0] !== host.host) ? `, asked for as ${tried.join(', ')}` : ''
  const name = best?.name
  const fix = name && otherHost(subject, host.host, name)
  return {
    id: 'unknown-name',
    level: 'error',
    message: `${host.host} is neither in the hosts file nor known to ${resolver.nameservers.join(', ')}${asked}${best ? `; ${best.name} ${best.answers ? `answers on port ${host.port}` : 'is a name here'}` : ''}`,
    advice: adviceOf(host, name, place),
    ...(fix ? { fix } : {}),
    where: origin,
  }
}

/** A name that may be meant: one that answers on the port, else one that is near and resolves. */
async function better(
  host: { readonly host: string; readonly port: number },
  { target, signal }: Subject,
  machine: Names,
  folder: string,
): Promise<{ name: string; answers: boolean } | undefined> {
  const inFile = machine.hosts.flatMap(({ names }) => names)
  const usual = await usualNames(target.service, folder)
  const near = nearest(host.host, [...new Set([...inFile, ...usual])])
  const [first = ''] = host.host.split('.')
  const longer = machine.resolver.search.map(domain => `${first}.${domain}`)
  const candidates = [...(near ? [near] : []), first, ...longer, ...usual, 'localhost']
  const others = [...new Set(candidates)].filter(name => name && name !== host.host)
  const [answers] = await answering(others, host.port, signal)
  if (answers) return { name: answers, answers: true }
  if (near && (await lookUp(near, signal)).addresses.length > 0) return { name: near, answers: false }
  return undefined
}

function adviceOf(
  { host }: { readonly host: string },
  name: string | undefined,
  { container, ci }: Circumstances['place'],
): string {
  const short = !host.includes('.')
  if (name && name !== 'localhost') return `Write ${name} instead of ${host}.`
  if (!short) return 'Correct the name, or create its record.'
  if (container)
    return `Start the service ${host} on the same network: a Compose service's name is known there only, and while it runs.`
  const where =
    ci === 'GitHub Actions'
      ? 'On the runner itself, outside of a job container, a service is reached by localhost and its published port.'
      : 'Names of Compose services are known inside their network only; from outside it is localhost and the published port.'
  return name ? `${where} Write localhost instead of ${host}.` : where
}
