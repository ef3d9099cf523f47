/** One line of a hosts file, counted from 1. */
export interface HostsLine {
  readonly address: string
  readonly names: readonly string[]
  readonly line: number
}

/** The lines of a hosts file, in order. Source: hosts(5). */
export function parseHosts(text: string): HostsLine[] {
  return text.split('\n').flatMap((line, i) => {
    const [address, ...names] = words(line.replace(/#.*$/, ''))
    return address && names.length > 0 ? [{ address, names, line: i + 1 }] : []
  })
}

/** How this machine asks for names. */
export interface ResolverSettings {
  readonly nameservers: readonly string[]
  /** Domains that are appended, in order. */
  readonly search: readonly string[]
  /** A name with fewer dots is tried with each search domain before it is tried alone. */
  readonly ndots: number
}

/** The C library's own limits. Source: resolv.conf(5). */
const MAX_NAMESERVERS = 3
const MAX_NDOTS = 15

/** What a resolv.conf says; without a name server the C library asks this machine. Source: resolv.conf(5). */
export function parseResolv(text: string): ResolverSettings {
  const nameservers: string[] = []
  let search: string[] = []
  let ndots = 1
  for (const line of text.split('\n')) {
    if (/^[#;]/.test(line)) continue
    const [keyword, ...values] = words(line)
    if (keyword === 'nameserver' && values[0]) nameservers.push(values[0])
    else if (keyword === 'search') search = values
    else if (keyword === 'domain') search = values.slice(0, 1)
    else if (keyword === 'options') {
      const dots = values.findLast(value => /^ndots:\d+$/.test(value))
      if (dots) ndots = Math.min(Number(dots.slice('ndots:'.length)), MAX_NDOTS)
    }
  }
  return {
    nameservers: nameservers.length > 0 ? nameservers.slice(0, MAX_NAMESERVERS) : ['127.0.0.1'],
    // A trailing dot says the same, and a lone one nothing.
    search: search.map(domain => domain.replace(/\.$/, '')).filter(Boolean),
    ndots,
  }
}

/** The names that are asked for in place of one, in the C library's order. Source: resolv.conf(5), ndots. */
export function asked(name: string, { search, ndots }: ResolverSettings): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const dots = name.split('.').length - 1
  const longer = search.map(domain => `${name}.${domain}`)
  return dots >= ndots ? [name, ...longer] : [...longer, name]
}

/** IPv4's default gateways in /proc/net/route, the preferred one first. Source: Linux, net/ipv4/fib_trie.c. */
export function parseRoutes(text: string): string[] {
  return text
    .split('\n')
    .map(words)
    .filter(
      ([, destination, gateway = '', , , , , mask]) =>
        [destination, mask].every(part => part === '00000000') && /^(?!0{8})[0-9A-F]{8}$/i.test(gateway),
    )
    .sort((a, b) => Number(a[6]) - Number(b[6]))
    .map(([, , gateway = '']) =>
      (gateway.match(/../g) ?? [])
        .reverse()
        .map(byte => parseInt(byte, 16))
        .join('.'),
    )
}

/** Where names are looked for, in order: `files`, `dns`, `mdns4_minimal`. Source: nsswitch.conf(5). */
export function parseNsswitch(text: string): string[] {
  const line = /^[ \t]*hosts:(.*)$/m.exec(text)?.[1]
  return line === undefined ? ['files', 'dns'] : words(line.replace(/#.*$/, '').replace(/\[[^\]]*\]/g, ''))
}

const words = (line: string): string[] => line.split(/[ \t\r]+/).filter(Boolean)
