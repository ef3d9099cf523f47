import { type ErrorKind, HoldfastError } from '../../core/errors.js'
import type { Env } from '../../gate/variables.js'
import type { Elsewhere } from '../../standin/settle.js'
import type { StandIn } from '../../standin/stand-in.js'

/** What a worker asks of the keeper: a stand-in, which all that ask for the same one share. */
export interface StandInRequest {
  /** The name of the target that it takes the place of. */
  readonly target: string
  readonly service: string
  readonly rung: string
  /** What the configuration says of it, as an image. */
  readonly settings: Parameters<Elsewhere>[1]
  readonly cwd: string
  /** As far as it decides about stand-ins. */
  readonly env: Env
}

export type StandInAnswer = Omit<StandIn, 'close' | 'ended'>

/** An error on its way to another process. */
export interface Failure {
  readonly error: { readonly kind: ErrorKind; readonly message: string }
}

export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  return { error: { kind: HoldfastError.is(error) ? error.kind : 'defect', message } }
}

export const thrownOf = ({ error }: Failure): HoldfastError => new HoldfastError(error.kind, error.message)

/** What decides about a stand-in; nothing else of a worker's environment leaves it. */
const TELLING = /^(HOLDFAST_|PATH$|HOME$|XDG_|TMPDIR$|DOCKER_|CONTAINER|PODMAN)/

export const tellingPart = (env: Env): Env =>
  Object.fromEntries(Object.entries(env).filter(([name]) => TELLING.test(name)))
