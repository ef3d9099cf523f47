import type { Service } from '../../core/service.js'
import { authenticate, logsIn } from './auth.js'
import { classifyMongodb } from './classify.js'
import { Conversation } from './conversation.js'
import { greet, obstacle } from './hello.js'
import { optionsOf } from './options.js'
import { MongodbSession } from './session.js'

/** MongoDB and what speaks its protocol, by an own client of the wire. Each host of the address is asked by itself. */
export const mongodb: Service = {
  name: 'mongodb',
  abilities: ['query', 'write', 'schema'],
  classify: classifyMongodb,
  async open(target, attempt) {
    const options = optionsOf(target)
    const link = await attempt.connect()
    try {
      if (target.tls.mode !== 'disable' && link.address !== 'unix')
        await attempt.step('tls', () => link.startTls())
      const talk = new Conversation(link)
      const entering = logsIn(target, options)
      const asks = entering && !options.mechanism ? `${options.source}.${target.user}` : undefined
      const hello = await attempt.step('handshake', async () => {
        const greeting = await greet(talk, options, asks)
        const problem = obstacle(greeting, options, target.hosts.length <= 1)
        if (problem) throw problem
        return greeting
      })
      if (entering) await attempt.step('auth', () => authenticate(talk, target, options, hello))
      return new MongodbSession(link, talk, hello, options, target.database)
    } catch (error) {
      link.close()
      throw error
    }
  },
}
