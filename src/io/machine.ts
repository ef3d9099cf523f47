import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import {
  type HostsLine,
  parseHosts,
  parseNsswitch,
  parseResolv,
  parseRoutes,
  type ResolverSettings,
} from '../core/namefiles.js'
import { textOf } from './text.js'

type Env = Readonly<Record<string, string | undefined>>

/** How this machine finds names and its way out. */
export interface Names {
  readonly hosts: readonly HostsLine[]
  readonly resolver: ResolverSettings
  /** The order of nsswitch.conf. */
  readonly order: readonly string[]
  /** IPv4's default gateways. */
  readonly gateways: readonly string[]
}

/** Reads what decides about names below `root`; a file that is not there says nothing. */
export function namesOf(root = '/'): Names {
  const text = (path: string) => textOf(join(root, path)) ?? ''
  return {
    hosts: parseHosts(text('etc/hosts')),
    resolver: parseResolv(text('etc/resolv.conf')),
    order: parseNsswitch(text('etc/nsswitch.conf')),
    gateways: parseRoutes(text('proc/net/route')),
  }
}

/** What a container is, and by what it was known. */
export interface Container {
  readonly kind: 'docker' | 'podman' | 'kubernetes' | 'container'
  readonly by: string
}

/** The container that this process is in, by what each engine leaves behind; undefined outside of one. */
export function containerOf(env: Env, root = '/'): Container | undefined {
  const there = (path: string) => existsSync(join(root, path))
  if (env.KUBERNETES_SERVICE_HOST) return { kind: 'kubernetes', by: 'KUBERNETES_SERVICE_HOST' }
  if (there('var/run/secrets/kubernetes.io/serviceaccount'))
    return { kind: 'kubernetes', by: '/var/run/secrets/kubernetes.io/serviceaccount' }
  if (there('run/.containerenv')) return { kind: 'podman', by: '/run/.containerenv' }
  if (there('.dockerenv')) return { kind: 'docker', by: '/.dockerenv' }
  if (env.container)
    return { kind: env.container === 'podman' ? 'podman' : 'container', by: `container=${env.container}` }
  const cgroup = textOf(join(root, 'proc/1/cgroup')) ?? ''
  const named = /kubepods|docker|libpod|containerd|lxc/.exec(cgroup)?.[0]
  if (!named) return undefined
  const kind = { kubepods: 'kubernetes', docker: 'docker', libpod: 'podman' }[named] ?? 'container'
  return { kind: kind as Container['kind'], by: `/proc/1/cgroup (${named})` }
}

/** This machine's addresses but its loopback, like `eth0 172.18.0.4/16`. */
export function ownAddresses(): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap(({ internal, cidr, scopeid }) =>
      internal || scopeid || !cidr ? [] : [`${name} ${cidr}`],
    ),
  )
}

/** TCP ports in the state LISTEN. Source: Linux, Documentation/networking/proc_net_tcp. */
export function listeningPorts(root = '/'): number[] {
  const ports = ['tcp', 'tcp6'].flatMap(name =>
    [...(textOf(join(root, 'proc/net', name)) ?? '').matchAll(/^ *\d+: \w+:(\w{4}) \w+:0000 0A /gm)].map(
      ([, port = '']) => Number.parseInt(port, 16),
    ),
  )
  return [...new Set(ports)]
}
