export { type Config, defineConfig, type TargetConfig } from './config/config.js'
export { type ErrorKind, EXIT, HoldfastError } from './core/errors.js'
export { REASONS, type Reason, type ReasonId } from './core/reasons.js'
export type { Phase } from './core/rules.js'
export type { Expectation } from './core/service.js'
export type { Finding, Layer, NotReady, Ready, Server, Step, Verdict } from './core/verdict.js'
export { type ProbeSettings, probe, type WaitSettings, waitFor } from './gate/library.js'
export {
  type Classification,
  type ClassifyOptions,
  classify,
  type Driver,
  type Outcome,
} from './services/classify.js'
