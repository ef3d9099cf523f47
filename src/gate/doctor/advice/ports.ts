import { existsSync } from 'node:fs'
import { isLiteral } from '../../../io/resolve.js'
import { SCHEMES } from '../../../services/registry.js'
import { spokenBy } from '../../identify.js'
import type { Env } from '../../variables.js'
import { changed, placeOf, psql } from '../edits.js'
import type { Advice, Adviser, Case } from './case.js'

const LOOPBACK = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|::1)$/i

/** Where Debian's and upstream's PostgreSQL put their sockets. */
const SOCKETS = ['/var/run/postgresql', '/tmp']

/** The port that the service has where nobody says otherwise. */
export function usualPort(service: string): number | undefined {
  return spokenBy(service) && service !== 'http'
    ? [...SCHEMES.values()].find(scheme => scheme.service === service)?.port
    : undefined
}

/** The addresses that were tried. */
function tried({ verdict, subject }: Case): string[] {
  const steps = verdict.steps.filter(({ layer }) => layer === 'tcp').map(({ address }) => address)
  const host = placeOf(subject.target)?.host
  const literal = host && isLiteral(host) ? [host] : []
  return [...new Set([...steps, ...literal])].filter(
    address => address !== undefined && !address.startsWith('/'),
  ) as string[]
}

/** Does the service answer on its usual port of the same host? */
const onUsualPort: Adviser = async of => {
  const { subject, around, verdict } = of
  const { target } = subject
  const usual = usualPort(target.service)
  const place = placeOf(target)
  const name = spokenBy(target.service)
  if (!usual || !place || usual === place.port) return undefined
  for (const address of tried(of)) {
    if ((await around.speaks({ address, port: usual }, subject.signal)) !== name) continue
    return {
      message: `${what(of)}; ${name} answers on its usual port ${usual} of the same host`,
      advice: `Correct the port: ${usual} instead of ${place.port}.`,
      fix: changed(subject, 'port', String(usual)),
    }
  }
  return verdict.finding.reason === 'protocol-mismatch' ? otherService(of, usual) : undefined
}

const what = ({ verdict, subject }: Case): string =>
  verdict.finding.reason === 'connection-refused'
    ? `nothing listens on port ${placeOf(subject.target)?.port}`
    : verdict.finding.message

function otherService({ subject }: Case, usual: number): Advice {
  const place = placeOf(subject.target)
  return {
    advice: `Correct the port, or the scheme where another service is meant. ${spokenBy(subject.target.service)} does not answer on its usual port ${usual} of that host either.`,
    fix: `ss -ltnp 'sport = :${place?.port}'`,
  }
}

/** A port where something else speaks, or nothing. */
export const somethingElse: Adviser = onUsualPort

/** The same port answers on this machine's loopback, and not on its other addresses. */
const loopbackOnly: Adviser = async of => {
  const { subject, around } = of
  const { target } = subject
  const place = placeOf(target)
  const own = around.ownAddresses()
  const address = tried(of).find(one => own.includes(one) && !LOOPBACK.test(one))
  if (!place || address === undefined) return undefined
  for (const loopback of ['127.0.0.1', '::1']) {
    const speaks = await around.speaks({ address: loopback, port: place.port }, subject.signal)
    if (!speaks || speaks !== spokenBy(target.service)) continue
    return {
      message: `refused on ${address}:${place.port}, while ${speaks} answers on ${loopback}:${place.port}: it listens on the loopback only${target.service === 'postgres' ? ' (listen_addresses=localhost)' : ''}`,
      ...(LISTENING[target.service]?.(loopback, place.port, subject.env) ?? {
        advice: `Let it listen on ${address}, too.`,
      }),
    }
  }
  return undefined
}

const LISTENING: Readonly<Record<string, (host: string, port: number, env: Env) => Advice>> = {
  postgres: (host, port, env) => ({
    advice: 'Let it listen on all addresses; that takes a restart.',
    fix: `${psql({ target: { hosts: [{ host, port }] }, env }, "ALTER SYSTEM SET listen_addresses = '*'")} && sudo systemctl restart postgresql`,
  }),
  redis: (host, port) => ({
    advice: 'Let it listen on all addresses, and give it a password (requirepass).',
    fix: `redis-cli -h ${host} -p ${port} CONFIG SET bind '* -::*'`,
  }),
  mysql: () => ({
    advice: 'Let it listen on all addresses, with this line below [mysqld] in my.cnf; that takes a restart.',
    fix: 'bind-address = 0.0.0.0',
  }),
}

/** The server answers over its Unix socket, and not over TCP. */
const socketOnly: Adviser = async of => {
  const { subject, around } = of
  const { target } = subject
  const place = placeOf(target)
  const own = around.ownAddresses()
  const here = tried(of).some(address => LOOPBACK.test(address) || own.includes(address))
  if (target.service !== 'postgres' || !place || !here) return undefined
  for (const folder of SOCKETS) {
    const path = `${folder}/.s.PGSQL.${place.port}`
    if (!existsSync(path) || (await around.speaks({ path }, subject.signal)) !== 'PostgreSQL') continue
    return {
      message: `it works over the socket ${path}, and is refused over TCP: listen_addresses leaves this address out`,
      advice:
        'Let it listen on TCP; that takes a restart. (In a container that initialises its database this lasts until it is done: wait.)',
      fix: `${psql({ target: { hosts: [{ path }] }, env: subject.env }, "ALTER SYSTEM SET listen_addresses = '*'")} && sudo systemctl restart postgresql`,
    }
  }
  return undefined
}

/** In a container `localhost` is the container itself. */
const localhostInContainer: Adviser = async ({ subject, around }) => {
  const place = placeOf(subject.target)
  if (!place || !LOOPBACK.test(place.host) || !around.inContainer()) return undefined
  const services = await around.serviceNames()
  const names = [...services, ...around.machineNames()].filter(name => !LOOPBACK.test(name))
  const best = await around.best(names, place.port, subject.signal)
  const message = `${place.host} is this container itself, and nothing listens in it on port ${place.port}`
  const isService = best !== undefined && services.includes(best.name)
  // What resolves by itself, and was refused, is no answer for a machine; a container may not be up yet.
  if (best && (best.answers || isService)) {
    const what = isService ? "service's container" : 'machine around the container'
    return {
      message,
      advice: best.answers
        ? `Use the name of the ${what}, "${best.name}".`
        : `Perhaps the name of the ${what} is meant, "${best.name}"; nothing answers there on port ${place.port} now.`,
      fix: changed(subject, 'host', best.name),
    }
  }
  return {
    message: `${message}${best ? `, nor at ${best.name}` : ''}`,
    advice:
      "Start the server, correct the port, or use the name of the service's container, on the same network; a server on the machine around the container is host.docker.internal. What listens here:",
    fix: 'ss -ltn',
  }
}

/** So many ports of this machine are asked who is there. */
const ASKED = 16

/** Does the service answer on another port of this machine? */
const onOtherPort: Adviser = async of => {
  const { subject, around } = of
  const place = placeOf(subject.target)
  const name = spokenBy(subject.target.service)
  const [address] = tried(of).filter(one => LOOPBACK.test(one))
  if (!place || !name || address === undefined) return undefined
  const far = (port: number) => Math.abs(port - place.port)
  const ports = around.listening().filter(port => port !== place.port)
  const asked = [...ports].sort((a, b) => far(a) - far(b)).slice(0, ASKED)
  const said = await Promise.all(asked.map(port => around.speaks({ address, port }, subject.signal)))
  const port = asked.find((_, i) => said[i] === name)
  if (port === undefined) return undefined
  return {
    message: `nothing listens on port ${place.port}; ${name} answers on port ${port} of the same host`,
    advice: `Correct the port, if that is the one: ${port} instead of ${place.port}.`,
    fix: changed(subject, 'port', String(port)),
  }
}

const notRunning: Adviser = ({ subject }) => {
  const place = placeOf(subject.target)
  if (!place) return undefined
  return {
    message: `nothing listens on ${place.host}:${place.port}`,
    advice: LOOPBACK.test(place.host)
      ? 'Start the server, or correct the port. What listens on it:'
      : `Start the server there, or correct host and port; or it listens on other addresses only (${subject.target.service === 'postgres' ? 'listen_addresses' : 'bind'}). On ${place.host}:`,
    fix: `ss -ltn 'sport = :${place.port}'`,
  }
}

/** Definite evidence first. */
export const refused: readonly Adviser[] = [
  onUsualPort,
  loopbackOnly,
  socketOnly,
  onOtherPort,
  localhostInContainer,
  notRunning,
]
