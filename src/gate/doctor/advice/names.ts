import { nearest } from '../../../core/errors.js'
import { changed, operand, placeOf } from '../edits.js'
import type { Adviser } from './case.js'

/** A name that does not resolve: the nearest one that is known here, else one under which the service answers. */
export const nameUnknown: Adviser = async ({ subject, around, verdict }) => {
  const place = placeOf(subject.target)
  if (!place) return undefined
  const { host } = place
  const services = (await around.serviceNames()).filter(name => name !== host)
  const names = [...new Set([...services, ...around.hostNames()])].filter(name => name !== host)
  // One letter in three: two letters beside "db" is any name of two letters.
  const near = nearest(host, names, Math.ceil(host.length / 3))
  const known = near ?? (await around.best(services, place.port, subject.signal))?.name
  const message = `the name "${host}" does not resolve (${verdict.finding.code ?? verdict.finding.message})`
  if (known)
    return {
      message: `${message}; ${near ? 'the nearest known name is' : 'here is'} "${known}"`,
      advice: `Use the name "${known}".`,
      fix: changed(subject, 'host', known),
    }
  return {
    message,
    advice:
      'Check the name. A Compose service has one on its own network only, while it runs; from outside it is localhost and the published port.',
    fix: `getent hosts ${operand(host)}`,
  }
}
