import { SECRET } from './probing.js'
import type { Subject } from './subject.js'

const local = { exempt: 'a command runs here: there is no server, no port and no login' }

export const exec: Subject = {
  name: 'exec',
  product: 'command',
  version: undefined,
  abilities: [],
  faces: [],
  start: async () => ({
    place: { host: '', port: 0 },
    address: 'exec:true',
    kill: async () => {},
    remove: async () => {},
  }),
  spoken: local,
  credentials: local,
  starting: local,
  full: local,
  mourns: local,
  tells: { address: () => `exec:sh -c 'echo "$0 is wrong" >&2; exit 3' ${SECRET}` },
  stalls: [
    {
      name: 'a command that does not end',
      address: () => 'exec:sleep 30',
      layer: 'query',
      reason: 'statement-timeout',
    },
  ],
}
