import { closeSync, openSync, readSync } from 'node:fs'

const CHUNK = 1 << 16
/** Longer than any record. */
const LONGEST = 1 << 15
const LF = 0x0a

/** The lines of a file that are not blank; undefined for one that is longer than any record. */
export function* linesOf(path: string): Iterable<string | undefined> {
  const descriptor = openSync(path, 'r')
  try {
    const chunk = Buffer.alloc(CHUNK)
    let rest: Buffer = Buffer.alloc(0)
    let skipping = false
    for (;;) {
      const size = readSync(descriptor, chunk, 0, CHUNK, null)
      if (size === 0) break
      let bytes: Buffer = Buffer.concat([rest, chunk.subarray(0, size)])
      for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF)) {
        if (!skipping) yield* lineIn(bytes.subarray(0, end))
        skipping = false
        bytes = bytes.subarray(end + 1)
      }
      rest = Buffer.from(bytes)
      if (rest.length <= LONGEST) continue
      if (!skipping) yield undefined
      skipping = true
      rest = Buffer.alloc(0)
    }
    if (!skipping) yield* lineIn(rest)
  } finally {
    closeSync(descriptor)
  }
}

function* lineIn(bytes: Buffer): Iterable<string | undefined> {
  const line = bytes.length > LONGEST ? undefined : bytes.toString('utf8')
  if (line === undefined || line.trim() !== '') yield line
}
