import type { Rule } from '../rule.js'
import { addresses } from './addresses.js'
import { credentials } from './credentials.js'
import { environment } from './environment.js'
import { files } from './files.js'
import { program } from './program.js'
import { reading } from './reading.js'
import { server } from './server.js'
import { timeouts } from './timeouts.js'
import { tls } from './tls.js'
import { variables } from './variables.js'

/** Every rule, in the order of docs/check.md. */
export const RULES: readonly Rule[] = [
  ...reading,
  ...variables,
  ...environment,
  ...addresses,
  ...files,
  ...tls,
  ...credentials,
  ...timeouts,
  ...server,
  ...program,
]
