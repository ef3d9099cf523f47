import { type Interpolated, interpolate, type Variables } from './interpolate.js'
import type { Span } from './text.js'
import { type Entry, entriesOf, itemsOf, spanOf, textOf, type YamlFile } from './yaml.js'

/** A text of the file. */
export interface Text extends Interpolated {
  /** As it is written, before variables are filled in. */
  readonly raw: string
  readonly at: Span
}

export interface Build {
  readonly at: Span
  /** Default `.` */
  readonly context: string
  readonly dockerfile?: Text
  readonly target?: Text
}

export interface Port {
  readonly at: Span
  /** The address of the host that it is bound to; all of them without one. */
  readonly host?: string
  /** The port, or the range `8000-8010`, on the host; a free one without. */
  readonly published?: string
  readonly target: string
  readonly protocol: string
  /** As it is written, variables and all. */
  readonly raw: string
}

export interface Variable {
  readonly name: string
  readonly at: Span
  /** Undefined: taken from the shell that runs Compose. */
  readonly value: Text | undefined
}

export interface EnvFile {
  readonly path: Text
  readonly required: boolean
}

/** A command line: `shell` is one text for a shell to split, `exec` a list of words. */
export interface Command {
  readonly form: 'shell' | 'exec'
  readonly words: readonly Text[]
  readonly at: Span
}

export interface Healthcheck {
  readonly at: Span
  readonly disabled: boolean
  /** `CMD` runs a program, `CMD-SHELL` a shell's line; `words` are what follows. Undefined: the image's own. */
  readonly test?: {
    readonly form: 'CMD' | 'CMD-SHELL' | 'NONE'
    readonly words: readonly Text[]
    readonly at: Span
  }
  readonly interval?: Text
  readonly timeout?: Text
  readonly retries?: Text
  readonly startPeriod?: Text
  readonly startInterval?: Text
}

export type Condition = 'service_started' | 'service_healthy' | 'service_completed_successfully'

export interface Dependency {
  readonly service: string
  readonly at: Span
  /** As a list writes it, without one: `service_started`. */
  readonly condition: Condition | (string & {})
  /** Where the condition is written. */
  readonly conditionAt?: Span
  readonly required: boolean
}

export interface NetworkUse {
  readonly name: string
  readonly at: Span
  readonly aliases: readonly Text[]
}

export interface Mount {
  readonly at: Span
  /** A volume's name, or a path; none for an anonymous volume. */
  readonly source?: string
  readonly target: string
  readonly readOnly: boolean
}

export interface SecretUse {
  readonly name: string
  readonly at: Span
  /** Default `/run/secrets/NAME`. */
  readonly target: string
}

/** Reads scalars of one file with its variables. */
export class Reader {
  constructor(
    readonly file: YamlFile,
    readonly variables: Variables,
  ) {}

  /** The scalar of an entry; undefined where it is none. */
  text(entry: Entry | undefined): Text | undefined {
    return entry?.value === undefined ? undefined : this.scalar(entry.value)
  }

  scalar(node: unknown): Text | undefined {
    const raw = textOf(this.file, node)
    return raw === undefined ? undefined : { raw, at: spanOf(this.file.resolve(node)), ...this.value(raw) }
  }

  /** A text with its variables filled in. */
  value(raw: string): Interpolated {
    return interpolate(raw, this.variables)
  }

  /** The scalars of a list, or the one scalar that stands for it. */
  list(entry: Entry | undefined): Text[] {
    const one = this.text(entry)
    return one ? [one] : itemsOf(this.file, entry?.value).flatMap(item => this.scalar(item) ?? [])
  }

  /** The entries of a mapping under an entry. */
  entries(entry: Entry | undefined): Entry[] {
    return entriesOf(this.file, entry?.value)
  }
}
