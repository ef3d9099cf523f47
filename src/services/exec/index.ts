import { ProbeError, type Service } from '../../core/service.js'
import { runOnce } from '../../io/child.js'
import { TimeoutError } from '../../io/clock.js'

/** A command that is ready when it exits 0. */
export const exec: Service = {
  name: 'exec',
  abilities: [],
  classify(error) {
    if (!(error instanceof TimeoutError)) return undefined
    const message = `the command did not end within ${Math.round(error.ms)} ms`
    return { reason: 'statement-timeout', code: 'ETIMEDOUT', message }
  },
  async open(target, attempt) {
    await attempt.step('query', async () => {
      const { status, signal, lastLine } = await runOnce(target.location?.reveal() ?? '', attempt.signal)
      if (status === 0) return
      const how = signal ? `was ended by ${signal}` : `exited with ${status}`
      throw new ProbeError({
        reason: 'unmet',
        code: signal ?? String(status),
        message: `the command ${how}${lastLine ? `: ${lastLine}` : ''}`,
        advice: 'It is run again until it exits with 0.',
      })
    })
    return {
      server: { product: 'command' },
      closed: new Promise(() => {}),
      close: async () => {},
    }
  },
}
