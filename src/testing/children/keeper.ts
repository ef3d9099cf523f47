import { startReaper } from '../../io/reaper.js'
import { FORWARDED } from '../../io/signals.js'
import { type Keeper, serveKeeper } from '../keeper/server.js'
import { failureOf } from '../keeper/wire.js'
import { isAlive } from '../run.js'

/** How often it is looked whether the run has ended, in milliseconds. */
const LOOK_MS = process.platform === 'linux' ? 400 : 1_500

const root = { pid: Number(process.argv[2]), started: process.argv[3] ?? '' }
const reaper = startReaper()
let keeper: Keeper | undefined
let ending: Promise<void> | undefined

const end = () => {
  ending ??= (async () => {
    await keeper?.close()
    await reaper.close()
  })()
  return ending
}
const leave = () => void end().finally(() => process.exit(0))
const tell = (said: object) => process.stdout.write(`${JSON.stringify(said)}\n`)

process.stdout.on('error', () => {})
for (const signal of FORWARDED) process.on(signal, leave)
serveKeeper({
  root,
  reaper,
  async onClose() {
    await end()
    // Once the answer is out.
    setTimeout(() => process.exit(0), 50)
  },
}).then(
  started => {
    keeper = started
    tell({ socket: started.socket })
    setInterval(() => {
      if (!isAlive(root)) leave()
    }, LOOK_MS)
  },
  error => {
    tell(failureOf(error))
    process.exitCode = 70
  },
)
