import { randomBytes } from 'node:crypto'
import { ProbeError, type Row, type Service } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { tabSeparated } from '../../wire/tsv.js'
import { mismatchWith } from '../mismatch.js'
import { type Answer, foreign, refused } from './answer.js'
import { classifyClickHouse } from './classify.js'
import { Exchange } from './exchange.js'
import { ClickHouseSession } from './session.js'

/** ClickHouse by its HTTP interface, with an own client of HTTP. */
export const clickhouse: Service = {
  name: 'clickhouse',
  abilities: ['query', 'write', 'schema'],
  classify: classifyClickHouse,
  async open(target, attempt) {
    guard(target)
    const wire = new Exchange(target, attempt)
    try {
      const link = await wire.connect()
      const nonce = randomBytes(12).toString('hex')
      // A web server that says yes to everything cannot turn a word round.
      const question = `SELECT version(), reverse('${nonce}')`
      const answer = await attempt.step('handshake', async () => {
        const came = await wire.ask(question, { default_format: 'TabSeparated' })
        const wrong = foreign(came)
        if (wrong) throw wrong
        const proven = firstRow(came)[1] === [...nonce].reverse().join('')
        if (!proven && !refused(came))
          throw mismatchWith('ClickHouse', 'HTTP', 'it did not answer a SELECT with its result')
        return came
      })
      return await attempt.step('auth', async () => {
        const refusal = refused(answer)
        if (refusal) throw refusal
        const version = firstRow(answer)[0] ?? undefined
        return new ClickHouseSession(wire, version, `${link.address} ${portOf(target)}`)
      })
    } catch (error) {
      wire.close()
      throw error
    }
  },
}

const firstRow = ({ text }: Answer): Row => tabSeparated(text, 1)[0] ?? []

const portOf = ({ hosts }: Target): string =>
  hosts.map(host => ('port' in host ? host.port : host.path)).join()

/** Drivers' words for TLS, and what they take for a no. Each has words of its own for a yes. */
const TLS_WORDS = /^(secure|ssl|tls|protocol)$/i
const PLAINLY_NOT = /^\s*(0|false|no|off|http)\s*$/i

/** What an address asks for and would not get. */
function guard({ address, params, tls }: Target): void {
  const misuse = (message: string, advice: string) =>
    new ProbeError({ reason: 'client-misuse', message, advice })
  if (/^\w+\+(native|asynch)/i.test(address)) {
    throw misuse(
      "the scheme names ClickHouse's native protocol, and a probe speaks HTTP",
      'Write clickhouse:// with the HTTP port, 8123 unless configured otherwise; for the native port tcp://host:9000.',
    )
  }
  const asking = [...params].find(([key, value]) => TLS_WORDS.test(key) && !PLAINLY_NOT.test(value.reveal()))
  if (asking && tls.mode === 'disable') {
    throw misuse(
      `the address asks for TLS by a parameter of a driver (${asking[0]}), and its scheme for none`,
      'Write clickhouses://, whose port is 8443 unless it names another.',
    )
  }
}
