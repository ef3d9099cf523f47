import { readFileSync } from 'node:fs'

/** The signals that COMMAND receives when holdfast receives them. */
export const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const
export type Forwarded = (typeof FORWARDED)[number]

/** The numbers of the signals on every platform that has them; 128+N is a shell's exit status. */
const NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
}

/** The status that a shell gives to a command which a signal ended. */
export const statusOfSignal = (signal: string, number = NUMBERS[signal] ?? 1): number => 128 + number

/** A signal that came while nothing could take it but holdfast itself. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  constructor(readonly signalName: Forwarded) {
    super(`interrupted by ${signalName}`)
  }
}

/** Calls `handle` for every forwarded signal until the returned function is called. */
export function onSignals(handle: (signal: Forwarded) => void): () => void {
  const installed = FORWARDED.flatMap(signal => {
    const listener = () => handle(signal)
    try {
      process.on(signal, listener)
    } catch {
      // Windows has not all of them.
      return []
    }
    return [() => process.off(signal, listener)]
  })
  return () => {
    for (const remove of installed) remove()
  }
}

/** A signal to end our own work: aborts with `Interrupted`, until `restore` is called. */
export function abortOnSignals(): { signal: AbortSignal; restore: () => void } {
  const interrupt = new AbortController()
  const restore = onSignals(signal => {
    if (signal !== 'SIGUSR1' && signal !== 'SIGUSR2') interrupt.abort(new Interrupted(signal))
  })
  return { signal: interrupt.signal, restore }
}

/**
 * Does the terminal deliver Ctrl-C to the whole process group, us and our children? Then a child has had
 * the signal already.
 */
export function inForeground(): boolean {
  try {
    // proc(5): state ppid pgrp session tty_nr tpgid, after the name in parentheses.
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[2] !== undefined && fields[2] === fields[5]
  } catch {
    return process.stdin.isTTY === true
  }
}
