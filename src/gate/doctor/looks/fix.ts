import { shellWord } from '../../../core/quoting.js'
import { redactAddress } from '../../../core/redact.js'
import type { Target } from '../../../core/target.js'
import { inert } from '../edits.js'

/** A line that puts the host `name` where `old` came from, with every secret as `***`. */
export function fixOf(target: Target, origin: string, old: string, name: string): string {
  const family = /^env:((?:PG|DB_)HOST(?:ADDR)?)$/.exec(origin)?.[1]
  if (family) return `${family}=${shellWord(name)}`
  const address = redactAddress(target.given.reveal())
  const variable = /^env:(\w+)$/.exec(origin)?.[1]
  const replaced = withHost(address, old, name)
  if (replaced === undefined) return `host=${shellWord(name)}`
  return variable ? `${variable}=${inert(replaced)}` : inert(replaced)
}

/** The address with another host; undefined where it does not name that one. */
function withHost(address: string, old: string, name: string): string | undefined {
  const authority = /^([^:]+:\/\/(?:[^/@]*@)?)([^/?#]*)([\s\S]*)$/.exec(address)
  const literal = name.includes(':') ? `[${name}]` : name
  const replaced = (list: string, by: string) =>
    list.replace(/[^,:[\]]+|\[[^\]]*\]/g, host => (host.replace(/^\[|\]$/g, '') === old ? by : host))
  const result = authority
    ? `${authority[1]}${replaced(authority[2] ?? '', literal)}${authority[3]}`
    : address
  if (result !== address) return result
  const pair = address.replace(
    /((?:^|[\s?&])host=)([^\s&]*)/,
    (_, key: string, hosts: string) => key + replaced(hosts, name),
  )
  return pair === address ? undefined : pair
}
