import type { Target } from '../core/target.js'
import type { Ready, Step } from '../core/verdict.js'
import { monotonic, systemClock } from '../io/clock.js'
import { dial } from '../io/dial.js'
import { isLiteral, type Resolve } from '../io/resolve.js'

/** How long a survey may hold up a target that is ready, in milliseconds. */
const PATIENCE_MS = 150

/**
 * The addresses of the target's name that the probe did not need: those that do not answer are added as failed
 * steps, because the program's driver may pick one of them.
 */
export async function survey(
  target: Target,
  verdict: Ready,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<Ready> {
  const [host, ...more] = target.hosts
  if (!host || more.length > 0 || target.srv || 'path' in host || isLiteral(host.host)) return verdict
  const limit = systemClock.deadline(PATIENCE_MS, signal)
  try {
    const tried = new Set(verdict.steps.map(step => step.address))
    const others = (await resolve(host.host, limit.signal)).filter(({ address }) => !tried.has(address))
    const looks = others.map(({ address }) => look(address, host.port, limit.signal))
    const dead = (await Promise.all(looks)).filter(step => step !== undefined)
    return dead.length > 0 ? { ...verdict, steps: [...verdict.steps, ...dead] } : verdict
  } catch {
    return verdict
  } finally {
    limit.clear()
  }
}

async function look(address: string, port: number, signal: AbortSignal): Promise<Step | undefined> {
  const begun = monotonic()
  try {
    const { socket } = await dial([{ address, port }], signal)
    socket.destroy()
    return undefined
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const ms = Math.round((monotonic() - begun) * 100) / 100
    return { layer: 'tcp', address, ms, state: 'failed', code: typeof code === 'string' ? code : 'ETIMEDOUT' }
  }
}
