/** What the help says of a verb: no run of the gate reads it. */
export interface VerbText {
  readonly summary: string
  readonly usage: string
  /** What each option does, and its default. */
  readonly options: Readonly<Record<string, readonly [help: string, standard?: string]>>
  readonly examples: readonly (readonly [does: string, command: string])[]
}

/** Options that every verb has. */
export const COMMON_TEXT: VerbText['options'] = {
  config: ['configuration; otherwise holdfast.config.* found upward'],
  json: ['one JSON document on standard output, and nothing else there'],
  format: ['text, json, ndjson, github', 'text'],
  junit: ['write a JUnit report beside the normal output'],
  quiet: ['only failures'],
  verbose: ['every attempt; stack traces of defects'],
  help: ['this text'],
}
