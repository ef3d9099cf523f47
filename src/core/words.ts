/** True where any of the options of a driver is switched on. */
const on = (query: ReadonlyMap<string, string>, ...names: readonly string[]): boolean =>
  names.some(name => query.get(name) === 'true')

/**
 * MongoDB's TLS options, whose names are the same in either case, as libpq's words. Without a word about it a
 * certificate is verified in full. `implied`: TLS is on where nothing is said. Source: MongoDB's specification "URI Options".
 */
export function fromMongodb(
  query: ReadonlyMap<string, string>,
  implied: boolean,
  bad: (what: string) => Error,
): Map<string, string> {
  const given = new Map([...query].map(([key, value]) => [key.toLowerCase(), value]))
  const [tls, ssl] = [given.get('tls'), given.get('ssl')]
  const wanted = tls ?? ssl ?? (implied ? 'true' : undefined)
  if (tls !== undefined && ssl !== undefined && tls !== ssl)
    throw bad('its tls and ssl contradict each other')
  if (wanted !== undefined && !/^(true|false)$/.test(wanted))
    throw bad(`tls "${wanted}" is not true or false`)
  const unverified = on(given, 'tlsinsecure', 'tlsallowinvalidcertificates')
  const mode = unverified ? 'require' : on(given, 'tlsallowinvalidhostnames') ? 'verify-ca' : 'verify-full'
  const file = given.get('tlscertificatekeyfile')
  const words = {
    ...(wanted ? { sslmode: wanted === 'true' ? mode : 'disable' } : {}),
    // With an authority `require` would verify by it.
    ...(unverified ? {} : { sslrootcert: given.get('tlscafile') }),
    sslcert: file,
    sslkey: file,
    sslpassword: given.get('tlscertificatekeyfilepassword'),
  }
  const rest = [...query].filter(([key]) => !/^(tls|ssl$)/i.test(key))
  return new Map([
    ...Object.entries(words).flatMap(([key, value]) => (value ? [[key, value] as const] : [])),
    ...rest,
  ])
}
