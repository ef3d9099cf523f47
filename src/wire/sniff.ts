const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 256))

type Sign = readonly [name: string, matches: (text: string, bytes: Uint8Array) => boolean]

/** How the first bytes of a server look, service by service. */
const SIGNS: readonly Sign[] = [
  [
    'ClickHouse (native)',
    (text, bytes) =>
      /is for clickhouse-client program/.test(text) || (bytes[0] === 2 && /^.{6}DB::/s.test(text)),
  ],
  // mongod answers a browser, too.
  ['MongoDB', (text, bytes) => /access MongoDB over HTTP/.test(text) || isMongodb(bytes)],
  ['HTTP', text => /^HTTP\/\d/.test(text) || /^\s*<(!doctype|html|\?xml)/i.test(text)],
  // The number that identify's question carries.
  ['Kafka', (text, bytes) => bytes[0] === 0 && text.slice(4, 6) === 'hf'],
  ['SSH', text => text.startsWith('SSH-')],
  [
    'AMQP',
    (text, bytes) => text.startsWith('AMQP') || (bytes[0] === 1 && bytes[8] === 10 && bytes[10] === 10),
  ],
  ['NATS', text => /^(INFO \{|-ERR ')/.test(text)],
  ['SMTP or FTP', text => /^220[ -]/.test(text)],
  [
    'TLS',
    (_, bytes) => (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 0x03 && (bytes[2] ?? 9) <= 4,
  ],
  [
    'MySQL',
    (_, bytes) =>
      bytes.length >= 5 && bytes[3] === 0 && (bytes[4] === 0x0a || bytes[4] === 0xff) && bytes[2] === 0,
  ],
  ['MySQL X Protocol', (_, bytes) => bytes[0] === 5 && bytes[3] === 0 && bytes[4] === 0x0b && bytes[5] === 8],
  [
    'memcached',
    (text, bytes) =>
      /^(ERROR( [^\r\n]*)?|(CLIENT_ERROR|SERVER_ERROR|VERSION) [^\r\n]*)\r\n/.test(text) ||
      (bytes.length >= 24 && bytes[0] === 0x81 && bytes[1] === 0x0b && bytes[5] === 0),
  ],
  [
    'MQTT',
    (_, [head, length = 0, flags = 9, code = 9]) =>
      head === 0x20 && length >= 2 && flags <= 1 && (code <= 5 || code >= 0x80),
  ],
  ['Redis', text => /^(-[A-Z]{3,}[ \r]|\+(PONG|OK)\r\n|-ERR)/.test(text)],
  [
    'PostgreSQL',
    (text, bytes) =>
      text === 'S' || text === 'N' || (/^[ERv]/.test(text) && bytes.length > 5 && bytes[1] === 0),
  ],
]

/** A message whose header names its own length and an opcode of replies. */
function isMongodb(bytes: Uint8Array): boolean {
  const opcode = bytes.length > 16 ? (bytes[12] ?? 0) + 256 * (bytes[13] ?? 0) : 0
  return (opcode === 1 || opcode === 2013) && bytes[3] === 0 && bytes[14] === 0 && bytes[15] === 0
}

/** What the first bytes of a server look like, or undefined. */
export function looksLike(bytes: Uint8Array): string | undefined {
  const text = latin(bytes)
  return SIGNS.find(([, matches]) => matches(text, bytes))?.[0]
}

/** So many bytes show what speaks, and of a secret that is among them too little to matter. */
const FEW = 5

/**
 * The bytes as a reader wants them: the first line where it is text, else the first five in hexadecimal. A line that is
 * longer than `limit`, or whose end is still on the way, is none: of a secret that is cut no redactor finds the rest.
 */
export function excerpt(bytes: Uint8Array, limit = 120): string {
  const [line = '', rest] = String.fromCharCode(...bytes.subarray(0, limit + 1)).split(/[\r\n]/, 2)
  const whole = rest !== undefined || line.length <= FEW
  if (whole && /^[\x20-\x7e]+$/.test(line)) return `"${line}"`
  const shown = [...bytes.subarray(0, FEW)].map(hexadecimal).join(' ')
  return bytes.length > FEW ? `${shown} and ${bytes.length - FEW} more` : shown
}

/** A byte as two digits. */
export const hexadecimal = (byte: number): string => byte.toString(16).padStart(2, '0')
