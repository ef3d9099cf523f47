import { formatMs } from '../../core/options.js'
import type { PoolState } from './types.js'

/** As many holders as a message names. */
const NAMED = 3

/**
 * A pool in one line, for messages: `max 2: 2 used (longest 12.3 s), 0 idle, 48 waiting`. Where leaks are looked for,
 * also who holds the clients, by the nearest line of the program's own.
 */
export function stateText(state: PoolState): string {
  const { max, used, idle, connecting, waiting, longestUseMillis } = state
  const longest = used > 0 && longestUseMillis !== undefined ? ` (longest ${formatMs(longestUseMillis)})` : ''
  const opening = connecting > 0 ? `, ${connecting} connecting` : ''
  const holders = holdersText(state)
  return `max ${max}: ${used} used${longest}, ${idle} idle${opening}, ${waiting} waiting${holders && `; ${holders}`}`
}

/** `2 of 2 held: 12.3 s by claim (routes.js:42), 1.0 s by routes.js:7`; empty where nobody is known. */
function holdersText({ max, holders = [] }: PoolState): string {
  if (holders.length === 0) return ''
  const named = holders.slice(0, NAMED).map(({ millis, stack }) => `${formatMs(millis)} by ${whoOf(stack)}`)
  const more = holders.length > NAMED ? `, and ${holders.length - NAMED} more` : ''
  return `${holders.length} of ${max} held: ${named.join(', ')}${more}`
}

const FRAME = /^\s*at (?:(?:async )?(.*?) \()?(.*?)(?::(\d+):\d+)?\)?$/

/** The first frame of the program itself, as `claim (routes.js:42)`; of a package where there is no other. */
export function whoOf(stack: string): string {
  const frames = stack.split('\n')
  const frame = frames.find(line => !/[\\/]node_modules[\\/]/.test(line)) ?? frames[0] ?? ''
  const [, name = '', place = '', line] = FRAME.exec(frame) ?? []
  const file = place.replace(/^async /, '').replace(/^.*[\\/]/, '')
  const at = line ? `${file}:${line}` : file
  if (!at) return 'an unknown caller'
  return name && !name.includes('<anonymous>') ? `${name} (${at})` : at
}
