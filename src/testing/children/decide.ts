import { unsetToo } from '../answers.js'
import { decideAnew } from '../decide.js'
import { failureOf } from '../keeper/wire.js'
import type { SyncAnswer, SyncTask } from '../sync.js'

// Nobody is left who would hear of it.
process.stdout.on('error', () => process.exit(1))

/** Decides for a caller that cannot wait: the task comes and the answer goes through pipes, since secrets are in both. */
let text = ''
process.stdin
  .setEncoding('utf8')
  .on('data', chunk => {
    text += chunk
  })
  .on('end', () => {
    const { names, options } = JSON.parse(text) as SyncTask
    decideAnew(names, options)
      .catch(failureOf)
      .then((answer: SyncAnswer) => process.stdout.write(JSON.stringify(answer, unsetToo)))
  })
