import { decide } from '../decide.js'
import { failureOf } from '../keeper/wire.js'
import type { SyncAnswer, SyncTask } from '../sync.js'

/** Decides for a caller that cannot wait: the task comes and the answer goes through pipes, since secrets are in both. */
let text = ''
process.stdin
  .setEncoding('utf8')
  .on('data', chunk => {
    text += chunk
  })
  .on('end', () => {
    const { names, options } = JSON.parse(text) as SyncTask
    decide(names, options)
      .then((provided): SyncAnswer => ({ provided }), failureOf)
      .then(answer => process.stdout.write(JSON.stringify(answer, unsetToo)))
  })

/** JSON has no undefined, which here means that a variable is unset. */
const unsetToo = (_: string, value: unknown) => (value === undefined ? null : value)
