import { EXIT, HoldfastError } from '../core/errors.js'
import { farewells } from '../gate/farewell.js'
import { Interrupted, statusOfSignal } from '../io/signals.js'
import { parseCall } from './parse.js'
import { WAIT } from './spec.js'
import { version } from './version.js'
import { waitVerb } from './wait.js'

/** Runs one command line and resolves with its exit status. */
async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  // The gate is in the first file that Node reads; every other verb comes when it is called.
  if (name === WAIT.name) {
    const call = parseCall(WAIT, rest, process.env)
    if (!call.values.flag('help')) return waitVerb(call)
  }
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${version()}\n`)
    return 0
  }
  return (await import('./others.js')).runOther(argv)
}

/** Whether a document could not be written. */
let lost = false

/** The standard streams that this run has opened: opening one costs a millisecond, which a quiet run saves. */
const opened: NodeJS.WriteStream[] = []
for (const name of ['stdout', 'stderr'] as const) {
  const { get } = Object.getOwnPropertyDescriptor(process, name) ?? {}
  const open = () => {
    const stream = get?.call(process) as NodeJS.WriteStream
    if (!opened.includes(stream)) {
      opened.push(stream)
      // A reader that has gone away (`holdfast … | head`) is no defect, and a full log must not end COMMAND.
      stream.on('error', error => {
        lost ||= name === 'stdout' && (error as NodeJS.ErrnoException).code !== 'EPIPE'
      })
    }
    return stream
  }
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: open })
}

const verbose = () => process.argv.includes('-v') || process.argv.includes('--verbose')

// What a run that comes to no end would leave: an event loop without work.
process.exitCode = EXIT.defect

main(process.argv.slice(2)).then(
  status => exit(status),
  error => {
    if (error instanceof Interrupted) return exit(statusOfSignal(error.signalName))
    if (HoldfastError.is(error)) {
      process.stderr.write(`holdfast: ${error.message}\n`)
      if (verbose() && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`)
      return exit(error.exitStatus)
    }
    const text = error instanceof Error ? error.message : String(error)
    process.stderr.write(
      `holdfast: a defect in holdfast itself: ${text}\nRun it again with -v and report what it prints.\n`,
    )
    if (verbose() && error instanceof Error) process.stderr.write(`${error.stack}\n`)
    return exit(70)
  },
)

/** How long the end may be held up by what ends queries at servers, in milliseconds. */
const FAREWELL_MS = 80

/** Exits once the output is out; pipes are written asynchronously. */
function exit(status: number): void {
  process.exitCode = status
  const end = () =>
    farewells(FAREWELL_MS).then(() => process.exit(status === 0 && lost ? EXIT.defect : status))
  const busy = opened.filter(stream => !stream.destroyed && stream.writableLength > 0)
  let open = busy.length
  // A file that is full says so some ticks after the write.
  if (open === 0) setImmediate(end)
  for (const stream of busy) {
    stream.write('', () => {
      if (--open === 0) end()
    })
  }
}
