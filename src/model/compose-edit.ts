import { isMap, isScalar, isSeq, type YAMLMap, type YAMLSeq } from 'yaml'
import type { ComposeFile, ComposeService } from './compose.js'
import type { Condition } from './compose-types.js'
import { contentEnd, endOfLine, insertLines, setKey, stepOf } from './edit.js'
import type { Edit } from './text.js'
import { type Entry, isMapping, spanOf, textOf, type YamlFile } from './yaml.js'

/**
 * What makes a service wait for another one's health. A list becomes the long form, in which every other service of
 * `healthy` is waited for, too, and the rest keep their meaning (`service_started`); a condition that is written
 * stays. Undefined where that cannot be done in place: `depends_on` comes by a merge, an alias or an anchor.
 */
export function dependOn(
  { yaml }: ComposeFile,
  service: ComposeService,
  on: string,
  healthy: ReadonlySet<string> = new Set(),
): Edit[] | undefined {
  if (!service.map) return undefined
  const entry = service.entry('depends_on')
  const condition = { condition: 'service_healthy' satisfies Condition }
  if (!entry) return setKey(yaml, service.map, 'depends_on', { [on]: condition })
  const value = entry.pair.value
  if (entry.borrowed || (value as { anchor?: string } | null)?.anchor) return undefined
  if (isSeq(value)) {
    const conditions = conditionsOf(new Set([...healthy, on]))
    return value.flow ? flowToMap(yaml, value, on, conditions) : listToMap(yaml, entry, value, on, conditions)
  }
  if (entry.value === undefined) return setKey(yaml, service.map, 'depends_on', { [on]: condition })
  if (!isMap(value)) return undefined
  const written = service.dependsOn.find(one => one.service === on)
  if (!written) return setKey(yaml, value, on, condition)
  return written.conditionAt ? [] : addCondition(yaml, value, on)
}

function addCondition(yaml: YamlFile, map: YAMLMap, on: string): Edit[] | undefined {
  const pair = map.items.find(({ key }) => textOf(yaml, key) === on)
  if (isMapping(pair?.value) && pair.value.items.length > 0)
    return setKey(yaml, pair.value, 'condition', 'service_healthy')
  return pair && setKey(yaml, map, on, { condition: 'service_healthy' })
}

const conditionsOf =
  (healthy: ReadonlySet<string>) =>
  (name: string): Condition =>
    healthy.has(name) ? 'service_healthy' : 'service_started'

type Conditions = ReturnType<typeof conditionsOf>

/** `- db # why` becomes `db: # why` with its condition on the next line, further in than `depends_on`. */
function listToMap(
  yaml: YamlFile,
  { keyAt }: Entry,
  list: YAMLSeq,
  on: string,
  conditionOf: Conditions,
): Edit[] | undefined {
  const edits: Edit[] = []
  const step = ' '.repeat(stepOf(yaml))
  const outer = yaml.position(keyAt.from).column - 1
  let column = 0
  for (const item of list.items) {
    if (!isScalar(item) || item.anchor || item.tag) return undefined
    const { from, to } = spanOf(item)
    const dash = yaml.text.lastIndexOf('-', from - 1)
    const start = yaml.text.lastIndexOf('\n', dash) + 1
    if (dash < start || yaml.text.slice(start, from).trim() !== '-') return undefined
    const shift = dash - start > outer ? '' : step
    column = dash - start + shift.length
    edits.push({ from: dash, to: from, insert: shift }, { from: to, to, insert: ':' })
    const condition = `${' '.repeat(column)}${step}condition: ${conditionOf(String(item.value))}`
    edits.push(...insertLines(yaml, endOfLine(yaml, to), [condition]))
  }
  const last = list.items.at(-1)
  if (!last) return undefined
  if (list.items.some(item => textOf(yaml, item) === on)) return edits
  const lines = [`${' '.repeat(column)}${on}:`, `${' '.repeat(column)}${step}condition: service_healthy`]
  return [...edits, ...insertLines(yaml, endOfLine(yaml, contentEnd(yaml, last)), lines)]
}

/** `[db, redis]` becomes `{ db: { condition: … }, … }`. */
function flowToMap(yaml: YamlFile, list: YAMLSeq, on: string, conditionOf: Conditions): Edit[] | undefined {
  const { from, to } = spanOf(list)
  if (list.items.some(item => !isScalar(item) || item.anchor || item.tag)) return undefined
  const names = list.items.map(item => String(textOf(yaml, item)))
  const edits = list.items.map((item, i) => {
    const end = spanOf(item).to
    return { from: end, to: end, insert: `: { condition: ${conditionOf(names[i] ?? '')} }` }
  })
  const more = names.includes(on)
    ? ''
    : `${names.length > 0 ? ', ' : ''}${on}: { condition: service_healthy }`
  const comma = /,\s*\]$/.test(yaml.text.slice(from, to)) ? more.replace(/^, /, ' ') : more
  return [{ from, to: from + 1, insert: '{ ' }, ...edits, { from: to - 1, to, insert: `${comma} }` }]
}
