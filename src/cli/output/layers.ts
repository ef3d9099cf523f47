import type { Target } from '../../core/target.js'
import { LAYERS, type Layer, type Step, type Verdict } from '../../core/verdict.js'
import type { Outcome } from '../../gate/outcome.js'

export interface LayerTime {
  readonly layer: Layer
  readonly ok: boolean
  readonly ms: number
  /** Still running when the time was up. */
  readonly hung?: boolean
  readonly address?: string
  readonly code?: string
  readonly detail?: string
}

/** The steps as the report shows them: in the order in which they ran. */
export const layersOf = (verdict: Verdict): LayerTime[] =>
  verdict.steps.map(({ layer, ms, state, ...rest }: Step) => ({
    layer,
    ok: state === 'ok',
    ms,
    ...(state === 'running' ? { hung: true } : {}),
    ...rest,
  }))

/** Milliseconds by layer, added up over its steps; the addresses that failed do not count for tcp. */
export function timesOf(verdict: Verdict): ReadonlyMap<Layer, { ms: number; ok: boolean }> {
  const times = new Map<Layer, { ms: number; ok: boolean }>()
  const all = telling(verdict)
  for (const layer of LAYERS) {
    const steps = all.filter(step => step.layer === layer)
    const connected = layer === 'tcp' ? steps.filter(step => step.state === 'ok') : steps
    const counted = connected.length > 0 ? connected : steps
    if (counted.length === 0) continue
    times.set(layer, {
      ms: counted.reduce((sum, step) => sum + step.ms, 0),
      ok: counted.every(step => step.state === 'ok'),
    })
  }
  return times
}

/** Of a target that is ready, the steps that led there, without those of addresses that were given up. */
function telling({ ready, steps }: Verdict): readonly Step[] {
  const last = steps.findLastIndex(step => step.layer === 'tcp' && step.state === 'ok')
  return ready ? steps.filter((step, i) => step.layer === 'dns' || i >= last) : steps
}

/** The address that was reached, or else all that were tried, with the port. */
export function reached({ verdict, target }: Outcome): string {
  const tried = verdict.steps.filter(step => step.layer === 'tcp')
  const ok = tried.findLast(step => step.state === 'ok')
  const addresses = ok?.address ? [ok.address] : [...new Set(tried.map(step => step.address ?? ''))]
  return addresses.map(address => withPort(address, target)).join(' ')
}

function withPort(address: string, { hosts }: Target): string {
  const ports = new Set(hosts.map(host => ('port' in host ? host.port : 0)))
  if (address.startsWith('/') || ports.size !== 1) return address
  return `${address.includes(':') ? `[${address}]` : address}:${[...ports][0]}`
}

/** Addresses of the name that were of no use although another one was: the program's driver may pick one. */
export function deadAddresses({ ready, steps }: Verdict): string[] {
  if (!ready) return []
  const reached = steps.findLast(step => step.layer === 'tcp' && step.state === 'ok')?.address
  return steps.flatMap((step, i) => {
    if (step.layer !== 'tcp' || step.address === reached) return []
    // What accepts and then closes has failed at a later layer.
    const next = steps.findIndex((later, j) => j > i && later.layer === 'tcp')
    const failed = steps.slice(i, next < 0 ? undefined : next).find(one => one.state === 'failed')
    return failed ? [`${step.address} (${failed.code ?? 'failed'})`] : []
  })
}
