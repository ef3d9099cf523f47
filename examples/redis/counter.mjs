// Counts a visit: a command whose answer was lost is not repeated, since it may have counted already.
import { connect } from 'holdfast/redis'

const redis = await connect('env:REDIS_URL', { connectAttempts: 3, commandTimeoutMillis: 2000 })
try {
  console.log(`visit ${await redis.incr('holdfast:example:visits')}`)
} catch (error) {
  const { reason, outcome, httpStatus } = error.holdfast
  console.log(
    `${httpStatus}: ${reason}, the visit was ${outcome === 'unknown' ? 'counted or not' : 'not counted'}`,
  )
  process.exitCode = 1
} finally {
  redis.disconnect()
}
