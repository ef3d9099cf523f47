/** IANA's special-purpose registries: RFC 1918, 6598, 3927, 4193, 4291; also IPv4 mapped into IPv6. */
const PRIVATE =
  /^(::ffff:)?(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.)|^(f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):/i

/** Is this address, in numbers, one of a private network? Loopback is none. */
export const isPrivateAddress = (address: string): boolean => PRIVATE.test(address)
