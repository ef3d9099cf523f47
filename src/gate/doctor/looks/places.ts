import { placeOf } from '../../../core/hosts.js'
import type { Target } from '../../../core/target.js'

/** Do all hosts of the target mean this machine? */
export const isLocal = ({ hosts }: Target): boolean =>
  hosts.length > 0 && hosts.every(host => 'host' in host && placeOf(host).startsWith('localhost:'))
