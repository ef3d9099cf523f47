import * as z from 'zod/mini'
import { LEVELS } from '../core/concern.js'
import { nearest } from '../core/errors.js'
import { MAX_CONNECTIONS, parseDuration } from '../core/options.js'
import { redactAddress } from '../core/redact.js'
import type { Config } from './config.js'

const duration = z.string().check(
  z.superRefine((text, context) => {
    try {
      parseDuration(text, 'value')
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message.replace(/^value: /, '') })
    }
  }),
)

const strings = z.array(z.string())

const expectation = z.strictObject({
  tables: z.optional(strings),
  columns: z.optional(strings),
  extensions: z.optional(strings),
  migration: z.optional(z.string()),
})

const count = z.int().check(z.minimum(1), z.maximum(MAX_CONNECTIONS))

const until = z.enum(['tcp', 'auth', 'query', 'write', 'schema'])

const target = z.union([
  z.string(),
  z.strictObject({
    /** A URL, `env:VARIABLE`, `exec:COMMAND` or a libpq connection string. */
    url: z.string(),
    until: z.optional(until),
    query: z.optional(z.union([z.string(), strings])),
    schema: z.optional(expectation),
    /** For HTTP: expected status, like `200-299,304`. */
    status: z.optional(z.union([z.string(), z.number()])),
    /** For HTTP: text that the body must contain. */
    body: z.optional(z.string()),
    pool: z.optional(z.strictObject({ max: count, processes: z.optional(count) })),
  }),
])

const variable = z.strictObject({
  type: z.optional(z.enum(['string', 'integer', 'number', 'boolean', 'port', 'url', 'duration', 'path'])),
  required: z.optional(z.boolean()),
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  oneOf: z.optional(strings),
})

const testService = z.strictObject({
  rungs: z.optional(strings),
  image: z.optional(z.string()),
  needs: z.optional(strings),
  require: z.optional(z.boolean()),
  allowStandIn: z.optional(z.boolean()),
  allowSkip: z.optional(z.boolean()),
})

const isolation = z.strictObject({
  mode: z.optional(z.enum(['database', 'schema', 'transaction'])),
  migrate: z.optional(z.string()),
  files: z.optional(strings),
  pool: z.optional(count),
  keepFailed: z.optional(z.boolean()),
  allowRemote: z.optional(strings),
})

export const configSchema = z.strictObject({
  targets: z.optional(z.record(z.string(), target)),
  timeout: z.optional(duration),
  attemptTimeout: z.optional(duration),
  grace: z.optional(duration),
  stable: z.optional(duration),
  connections: z.optional(count),
  until: z.optional(until),
  test: z.optional(
    z.strictObject({
      services: z.optional(strings),
      needs: z.optional(strings),
      allowStandIn: z.optional(z.boolean()),
      allowSkip: z.optional(z.boolean()),
      service: z.optional(z.record(z.string(), testService)),
      offline: z.optional(z.record(z.string(), testService)),
      availability: z.optional(duration),
      isolation: z.optional(isolation),
    }),
  ),
  journal: z.optional(z.string()),
  environment: z.optional(z.record(z.string(), variable)),
  doctor: z.optional(
    z.strictObject({
      connections: z.optional(count),
      threshold: z.optional(z.int().check(z.minimum(1), z.maximum(100))),
    }),
  ),
  check: z.optional(
    z.strictObject({
      failLevel: z.optional(z.enum(LEVELS)),
      silence: z.optional(z.record(z.string(), z.string())),
    }),
  ),
  run: z.optional(
    z.strictObject({
      migrate: z.optional(z.string()),
      smoke: z.optional(z.string()),
      health: z.optional(z.string()),
    }),
  ),
})

// A key that only one of the two knows does not compile.
const same: z.ZodMiniType<Config> = configSchema
void same

/** One problem, and the key that it is about. */
export interface Problem {
  readonly path: readonly string[]
  /** With the key before it, as one line. */
  readonly text: string
}

/** Every problem of a configuration; none when it is valid. */
export function problemsIn(value: unknown): Problem[] {
  const lost = lostIn(value, [])
  const result = configSchema.safeParse(value)
  if (result.success) return lost
  return [...lost, ...result.error.issues.flatMap(issue => describe(issue, []))]
}

/** A record leaves this key out without a word. */
function lostIn(value: unknown, path: readonly string[]): Problem[] {
  if (typeof value !== 'object' || value === null || path.length > DEEPEST) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = [...path, key]
    if (key !== '__proto__') return lostIn(inner, at)
    return [
      { path: at, text: `${at.map(redactAddress).join('.')}: nothing can have this name; give it another` },
    ]
  })
}

function describe(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[]): Problem[] {
  const path = [...prefix, ...issue.path]
  // An address that was written where a name belongs is not printed.
  const shown = path.map(key => redactAddress(String(key)))
  const where = shown.length > 0 ? shown.join('.') : 'the configuration'
  const problem = (text: string, ...more: string[]) => ({ path: [...path.map(String), ...more], text })
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => {
      const near = nearest(key, knownKeys(path))
      const hint = near ? `; did you mean "${near}"?` : ''
      return problem(`${[...shown, redactAddress(key)].join('.')}: unknown key${hint}`, key)
    })
  }
  if (issue.code === 'invalid_union') {
    // The object's own problems tell more than "neither text nor object".
    const inner = issue.errors.at(-1) ?? []
    if (inner.some(one => one.path.length > 0 || one.code === 'unrecognized_keys'))
      return inner.flatMap(one => describe(one, path))
    if (path.length === 2) return [problem(`${where}: expected an address, or an object with url`)]
  }
  return [problem(`${where}: ${wording(issue)}`)]
}

function wording(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected}`
    case 'invalid_value':
      return `expected one of ${issue.values.join(', ')}`
    case 'too_small':
      return `must be at least ${issue.minimum}`
    case 'invalid_union':
      return `expected ${[...new Set(issue.errors.flatMap(expectedTypes))].join(' or ')}`
    default:
      return issue.message
  }
}

const expectedTypes = (issues: readonly z.core.$ZodIssue[]): string[] =>
  issues.flatMap(issue => (issue.code === 'invalid_type' ? [issue.expected] : []))

/** The keys of the object at `path`, read from the schema. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = configSchema
  for (const key of path) at = bare(at && childOf(at, key))
  return at instanceof z.ZodMiniObject ? Object.keys(at.def.shape) : []
}

const childOf = (type: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined =>
  type instanceof z.ZodMiniObject
    ? type.def.shape[String(key)]
    : type instanceof z.ZodMiniRecord
      ? type.def.valueType
      : undefined

/** What an optional wraps, and the object of a union. */
function bare(type: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (type instanceof z.ZodMiniOptional) return bare(type.def.innerType)
  return type instanceof z.ZodMiniUnion ? type.def.options.find(one => one instanceof z.ZodMiniObject) : type
}

/** What is left of a configuration without what is wrong in it. */
export function validPart(value: unknown): Config {
  let rest = value
  // A key whose absence is wrong takes the object around it with it, and so on.
  for (let outward = 0; outward < DEEPEST; outward++) {
    const { success, data } = configSchema.safeParse(rest)
    if (success) return data
    for (const { path } of problemsIn(rest)) rest = without(rest, path.slice(0, path.length - outward))
  }
  return {}
}

/** More than any path of the schema has. */
const DEEPEST = 8

function without(value: unknown, [key, ...more]: readonly string[]): unknown {
  if (key === undefined || typeof value !== 'object' || value === null || Array.isArray(value))
    return undefined
  const { [key]: inner, ...rest } = value as Record<string, unknown>
  const left = more.length > 0 ? without(inner, more) : undefined
  return left === undefined ? rest : { ...rest, [key]: left }
}
