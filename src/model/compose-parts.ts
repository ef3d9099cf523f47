import type {
  Build,
  Command,
  Dependency,
  EnvFile,
  Healthcheck,
  Mount,
  NetworkUse,
  Port,
  Reader,
  SecretUse,
  Text,
  Variable,
} from './compose-types.js'
import { type Entry, entryAt, isMapping, itemsOf, spanOf } from './yaml.js'

type Maybe = Entry | undefined

/** What is there of the given, under its name. */
function given<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

export function buildOf(reader: Reader, entry: Maybe): Build | undefined {
  if (!entry?.value) return undefined
  const short = reader.text(entry)
  if (short) return { at: entry.at, context: short.value }
  const at = (key: string) => reader.text(entryAt(reader.file, entry.value, key))
  return {
    at: entry.at,
    context: at('context')?.value ?? '.',
    ...given({ dockerfile: at('dockerfile'), target: at('target') }),
  }
}

/** `[HOST:][PUBLISHED:]TARGET[/PROTOCOL]`, or the long form. HOST may be an IPv6 address in brackets. */
const PORT = /^(?:(?:(\[[^\]]*\]|[^:]*):)?([\d-]*):)?([\d-]+)(?:\/(\w+))?$/

export function portsOf(reader: Reader, entry: Maybe): Port[] {
  return itemsOf(reader.file, entry?.value).flatMap((item): Port[] => {
    const at = spanOf(item)
    const short = reader.scalar(item)
    if (short) {
      const [, host, published, target, protocol = 'tcp'] = PORT.exec(short.value) ?? []
      const address = host?.replace(/^\[|\]$/g, '')
      return target
        ? [
            {
              at,
              target,
              protocol,
              raw: short.raw,
              ...given({ host: address || undefined, published: published || undefined }),
            },
          ]
        : []
    }
    const text = (key: string) => reader.text(entryAt(reader.file, item, key))
    const target = text('target')
    if (!target) return []
    const published = text('published')
    return [
      {
        at,
        target: target.value,
        protocol: text('protocol')?.value ?? 'tcp',
        raw: published?.raw ?? target.raw,
        ...given({ host: text('host_ip')?.value, published: published?.value }),
      },
    ]
  })
}

export function environmentOf(reader: Reader, entry: Maybe): Map<string, Variable> {
  const found = new Map<string, Variable>()
  for (const { key, at, value } of reader.entries(entry))
    found.set(key, { name: key, at, value: value === undefined ? undefined : reader.scalar(value) })
  for (const item of itemsOf(reader.file, entry?.value)) {
    const text = reader.scalar(item)
    if (!text) continue
    const sign = text.raw.indexOf('=')
    const name = sign < 0 ? text.raw : text.raw.slice(0, sign)
    const value = sign < 0 ? undefined : behind(text, sign + 1, reader)
    found.set(name, { name, at: text.at, value })
  }
  return found
}

/** The rest of a text. */
function behind(text: Text, from: number, reader: Reader): Text {
  const raw = text.raw.slice(from)
  return { ...reader.value(raw), raw, at: text.at }
}

export function envFilesOf(reader: Reader, entry: Maybe): EnvFile[] {
  const short = reader.text(entry)
  if (short) return [{ path: short, required: true }]
  return itemsOf(reader.file, entry?.value).flatMap((item): EnvFile[] => {
    const path = reader.scalar(item) ?? reader.text(entryAt(reader.file, item, 'path'))
    const required = reader.text(entryAt(reader.file, item, 'required'))?.value !== 'false'
    return path ? [{ path, required }] : []
  })
}

export function commandOf(reader: Reader, entry: Maybe): Command | undefined {
  if (!entry?.value) return undefined
  const short = reader.text(entry)
  const at = entry.at
  return short ? { form: 'shell', words: [short], at } : { form: 'exec', words: reader.list(entry), at }
}

export function healthcheckOf(reader: Reader, entry: Maybe): Healthcheck | undefined {
  if (!entry?.value) return undefined
  const at = (key: string) => reader.text(entryAt(reader.file, entry.value, key))
  const test = testOf(reader, entryAt(reader.file, entry.value, 'test'))
  return {
    at: entry.at,
    disabled: at('disable')?.value === 'true' || test?.form === 'NONE',
    ...given({
      test,
      interval: at('interval'),
      timeout: at('timeout'),
      retries: at('retries'),
      startPeriod: at('start_period'),
      startInterval: at('start_interval'),
    }),
  }
}

function testOf(reader: Reader, entry: Maybe): Healthcheck['test'] {
  if (!entry?.value) return undefined
  const short = reader.text(entry)
  if (short) return { form: 'CMD-SHELL', words: [short], at: entry.at }
  const [first, ...words] = reader.list(entry)
  const form = first?.value
  return form === 'CMD' || form === 'CMD-SHELL' || form === 'NONE' ? { form, words, at: entry.at } : undefined
}

export function dependenciesOf(reader: Reader, entry: Maybe): Dependency[] {
  const listed = itemsOf(reader.file, entry?.value).flatMap(item => reader.scalar(item) ?? [])
  if (!isMapping(entry?.value))
    return listed.map(({ value, at }) => ({
      service: value,
      at,
      condition: 'service_started',
      required: true,
    }))
  return reader.entries(entry).map(({ key, keyAt, value }) => {
    const condition = entryAt(reader.file, value, 'condition')
    return {
      service: key,
      at: keyAt,
      condition: reader.text(condition)?.value ?? 'service_started',
      required: reader.text(entryAt(reader.file, value, 'required'))?.value !== 'false',
      ...given({ conditionAt: condition?.at }),
    }
  })
}

export function networksOf(reader: Reader, entry: Maybe): NetworkUse[] {
  if (!isMapping(entry?.value))
    return reader.list(entry).map(({ value, at }) => ({ name: value, at, aliases: [] }))
  return reader.entries(entry).map(({ key, keyAt, value }) => ({
    name: key,
    at: keyAt,
    aliases: reader.list(entryAt(reader.file, value, 'aliases')),
  }))
}

export function mountsOf(reader: Reader, entry: Maybe): Mount[] {
  return itemsOf(reader.file, entry?.value).flatMap((item): Mount[] => {
    const at = spanOf(item)
    const short = reader.scalar(item)
    if (short) {
      // A drive's letter is no source of its own.
      const parts = short.value.split(/(?<!^[A-Za-z]):/)
      const [source, target, mode = ''] = parts.length === 1 ? [undefined, ...parts] : parts
      return target ? [{ at, target, readOnly: mode.split(',').includes('ro'), ...given({ source }) }] : []
    }
    const text = (key: string) => reader.text(entryAt(reader.file, item, key))?.value
    const target = text('target')
    return target
      ? [{ at, target, readOnly: text('read_only') === 'true', ...given({ source: text('source') }) }]
      : []
  })
}

export function secretsOf(reader: Reader, entry: Maybe): SecretUse[] {
  return itemsOf(reader.file, entry?.value).flatMap((item): SecretUse[] => {
    const text = (key: string) => reader.text(entryAt(reader.file, item, key))?.value
    const name = reader.scalar(item)?.value ?? text('source')
    if (!name) return []
    const target = text('target') ?? name
    return [{ name, at: spanOf(item), target: target.startsWith('/') ? target : `/run/secrets/${target}` }]
  })
}
