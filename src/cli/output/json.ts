import type { Decision } from '../../core/decision.js'
import { EXIT } from '../../core/errors.js'
import { reasonOf } from '../../core/reasons.js'
import { adviceOf, mayDescend } from '../../core/verdict.js'
import type { Outcome } from '../../gate/outcome.js'
import type { Stage } from '../../start/stages.js'
import { version } from '../version.js'
import { layersOf } from './layers.js'

export interface Report {
  readonly verb: string
  readonly ok: boolean
  readonly exitStatus: number
  readonly durationMs: number
  readonly outcomes: readonly Outcome[]
  readonly stages?: readonly Stage[]
  readonly decisions?: readonly Decision[]
}

/** The document of `--json`, by schema/output.schema.json. */
export const documentOf = ({
  verb,
  ok,
  exitStatus,
  durationMs,
  outcomes,
  stages,
  decisions,
}: Report): object => ({
  holdfast: version(),
  verb,
  schema: 1,
  ok,
  exitStatus,
  durationMs,
  // After a single attempt no wait was used up.
  targets: outcomes.map(outcome => targetOf(outcome, exitStatus !== EXIT.findings)),
  ...(stages ? { stages: stages.map(stageOf) } : {}),
  ...(decisions ? { decisions } : {}),
})

/** One stage's entry in the document. */
export const stageOf = ({ stage, state, ms, message, concerns = [] }: Stage): object => ({
  stage,
  state,
  ms,
  ...(message ? { message } : {}),
  ...(concerns.length > 0 ? { findings: concerns } : {}),
})

/** One target's entry in the document. */
export function targetOf(
  { target, state, verdict, attempts, readyAfterMs }: Outcome,
  waited = false,
): object {
  const { name, service, address, source } = target
  const base = { name, service, address, source, state }
  const { server } = verdict
  const rest = {
    attempts,
    readyAfterMs,
    layers: layersOf(verdict),
    ...(server
      ? {
          server: {
            product: server.product,
            ...(server.version ? { version: server.version.split(' ')[0] } : {}),
            ...(server.ageMs === undefined
              ? {}
              : { startedAt: new Date(Date.now() - server.ageMs).toISOString() }),
            ...(server.via ? { via: server.via } : {}),
          },
        }
      : {}),
  }
  if (verdict.ready) return { ...base, ...rest }
  const { finding, layer } = verdict
  const { heals, retry } = reasonOf(finding.reason)
  const cause = {
    reason: finding.reason,
    layer,
    ...(finding.code ? { code: finding.code } : {}),
    message: finding.message,
  }
  return {
    ...base,
    ...cause,
    advice: adviceOf(finding),
    heals,
    retry,
    absent: mayDescend(verdict, waited && state === 'waiting'),
    ...rest,
  }
}
