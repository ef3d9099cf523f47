/** What the suite of stand-ins has to be told of a service: how to use it, and what each capability looks like. */

/** Tries one thing at an address; resolves with whether it works. Rejecting is not working. */
export type Try = (url: string) => Promise<unknown>

export interface StandInSubject {
  readonly service: string
  /** The rungs that can be tried here, in the ladder's order. */
  readonly rungs: readonly string[]
  /** Keeps a value under a name, and looks whether there is one. */
  keep(url: string, name: string): Promise<void>
  has(url: string, name: string): Promise<boolean>
  /** A check for every capability of the service; all on one server, so each with names of its own. */
  readonly capabilities: Readonly<Record<string, Try>>
  /** Ordinary things, which every rung must do: sentence → what is done, and its result. */
  readonly ordinary: Readonly<Record<string, readonly [run: Try, expected: unknown]>>
}
