import { Secret } from '../core/redact.js'
import type { Target } from '../core/target.js'
import { resolveSeeds } from '../io/seeds.js'
import type { Trace } from './attempt.js'
import type { ProbeOptions } from './options.js'

/** The target with the hosts and options that its SRV and TXT records give it. What the address says comes first. */
export async function seeded(
  target: Target,
  service: string,
  trace: Trace,
  { signal, clear }: { readonly signal: AbortSignal; readonly clear: () => void },
  options: ProbeOptions,
): Promise<Target> {
  const [host] = target.hosts
  const name = host && 'host' in host ? host.host : ''
  try {
    return await trace.step(
      'dns',
      async () => {
        const found = await (options.resolveSeeds ?? resolveSeeds)(name, service, signal)
        const given = [...target.params.keys()].map(key => key.toLowerCase())
        const more = [...found.options].filter(([key]) => !given.includes(key.toLowerCase()))
        const params = new Map([
          ...target.params,
          ...more.map(([key, value]) => [key, new Secret(value)] as const),
        ])
        return { ...target, hosts: found.hosts, params }
      },
      signal,
    )
  } finally {
    clear()
  }
}
