/** Servers that are up and will never let this program in: the gate stays shut. */
import { startRedis } from '../support/redis.js'
import { askRedis, failureOf, gate, type Race, type Trial } from './race.js'

export const redisNoAuth: Race = {
  name: 'Redis NOAUTH and WRONGPASS',
  since: 'never released',
  async run(setting): Promise<Trial> {
    const { random, defer } = setting
    const variant = random.pick(['no password', 'wrong password', 'password set while it loads'])
    const late = variant === 'password set while it loads'
    const secret = 'right-and-secret'
    const server = await startRedis(late ? { loadingMs: random.between(300, 800) } : { password: secret })
    defer(() => server.remove())
    const given = variant === 'wrong password' ? 'wrong-and-secret' : undefined
    const url = server.url({ password: given ?? null })
    const connects = () => askRedis('127.0.0.1', server.port, given)
    const release = gate(setting, [url, '--grace', '300ms', '--timeout', '10s'], connects)
    await random.pause(0, 150)
    if (late) await server.cli('config', 'set', 'requirepass', secret)
    const { status, said } = await release
    const rejected = (await server.errorsSent('NOAUTH')) + (await server.errorsSent('WRONGPASS'))
    // What was held back would have failed, or the trial proves nothing.
    const failure = await failureOf(connects)
    const wrong = [
      ...(status === 78 ? [] : [`status ${status}`]),
      ...(/authentication-failed/.test(said) ? [] : ['the reason was not named']),
      ...(rejected <= 2 ? [] : [`${rejected} rejected logins`]),
      ...(failure ? [] : ['the connection that was held back would have worked']),
    ]
    return {
      status,
      releasedRight: wrong.length === 0,
      firstConnectionOk: null,
      releaseMs: null,
      story: `${variant}: ${wrong.join('; ')}\n${said}`,
    }
  },
}
