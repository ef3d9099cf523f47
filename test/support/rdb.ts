/** A Redis dump file with `keys` strings of `size` bytes each, as Redis 5 and newer read it. */
export function rdbFile(keys: number, size: number): Buffer {
  const value = 'x'.repeat(size)
  const entries = Array.from({ length: keys }, (_, index) =>
    Buffer.concat([Buffer.from([0x00]), text(`key:${index}`), text(value)]),
  )
  return Buffer.concat([
    Buffer.from('REDIS0009'),
    // Who wrote it: Redis logs that line when it begins to load.
    Buffer.concat([Buffer.from([0xfa]), text('redis-ver'), text('5.0.0')]),
    Buffer.from([0xfe, 0x00]),
    ...entries,
    Buffer.from([0xff]),
    // A checksum of zero means none.
    Buffer.alloc(8),
  ])
}

/** A string with its length, in the 14-bit form that also holds short ones. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([0x40 | (bytes.length >> 8), bytes.length & 0xff]), bytes])
}
