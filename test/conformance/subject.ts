/** What the suite has to be told of a service. To add one: an object of this type, and its line in subjects.ts. */
import type { ReasonId } from '../../src/core/reasons.js'
import type { Ability } from '../../src/core/service.js'
import type { Layer } from '../../src/core/verdict.js'
import type { Script } from '../support/peer.js'

export interface Place {
  readonly host: string
  readonly port: number
}

/** A server that is ready, and the test's own. */
export interface Real {
  readonly place: Place
  readonly address: string
  /** Ends it without a farewell, and resolves when it is dead. */
  kill(): Promise<void>
  /** Ends what is left of it. */
  remove(): Promise<void>
}

/** A way to address the service. The suite goes through every row with each of them. */
export interface Face {
  readonly label: string
  readonly tls: boolean
  address(at: Place): string
  /** Where it hangs when a peer accepts and says nothing; undefined where accepting is all that it asks for. */
  readonly waits: Layer | undefined
  /** Its server speaks first: it sends no byte before it has heard one. */
  readonly listens?: true
}

/** A peer that refuses in the words of the service. */
export interface Refusal {
  readonly script: Script
  readonly layer: Layer
  readonly code: string
}

/** A peer and how it is addressed. Without a script nothing has to be started. */
export interface Scene {
  readonly script?: Script
  address(at: Place): string
}

/** A peer, or a command, that stops half-way. */
export interface Stall extends Scene {
  readonly name: string
  readonly layer: Layer
  readonly reason: ReasonId
}

/** In place of a row that the service does not have: why not. */
export interface Exempt {
  readonly exempt: string
}

export interface Subject {
  /** As in the registry. */
  readonly name: string
  readonly product: string
  /** Of the real server; undefined where the service tells none. */
  readonly version: RegExp | undefined
  readonly abilities: readonly Ability[]
  /** An ability's own question, and what it is asked with. */
  readonly query?: { readonly yes: string; readonly no: string; readonly broken: string }
  readonly faces: readonly Face[]
  readonly start: () => Promise<Real>
  /** How the probe calls this service where it meets it on another's port. */
  readonly spoken: string | Exempt
  readonly credentials: Refusal | Exempt
  readonly starting: Refusal | Exempt
  readonly full: Refusal | Exempt
  /** Its session ends when the server does. */
  readonly mourns: true | Exempt
  /** Repeats what it was told, the password with it, in its answer. */
  readonly tells: Scene | Exempt
  readonly stalls: readonly Stall[]
}

export const isExempt = (row: unknown): row is Exempt =>
  typeof row === 'object' && row !== null && 'exempt' in row
