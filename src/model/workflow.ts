import type { YAMLMap } from 'yaml'
import { portsOf } from './compose-parts.js'
import { type Port, Reader, type Text } from './compose-types.js'
import type { Span } from './text.js'
import {
  type Entry,
  entriesOf,
  entryAt,
  isMapping,
  itemsOf,
  parseYaml,
  spanOf,
  type YamlFile,
} from './yaml.js'

/** Variables by name, as they are written: `${{ … }}` is not evaluated. */
export type Env = ReadonlyMap<string, Text>

export interface WorkflowStep {
  readonly at: Span
  readonly map: YAMLMap | undefined
  readonly id?: Text
  readonly name?: Text
  readonly uses?: Text
  readonly run?: Text
  readonly shell?: Text
  readonly workingDirectory?: Text
  readonly condition?: Text
  readonly continueOnError?: Text
  readonly env: Env
  readonly with: Env
}

/** A container that runs beside a job, or that the job runs in. */
export interface WorkflowContainer {
  readonly name: string
  readonly at: Span
  readonly map: YAMLMap | undefined
  readonly image?: Text
  /** `docker create`'s options, health checks among them. */
  readonly options?: Text
  readonly env: Env
  readonly ports: readonly Port[]
}

export interface WorkflowJob {
  readonly id: string
  readonly at: Span
  readonly map: YAMLMap | undefined
  readonly name?: Text
  readonly runsOn: readonly Text[]
  readonly needs: readonly Text[]
  /** Without one the steps run on the runner itself, and services are reached at its localhost. */
  readonly container?: WorkflowContainer
  readonly services: readonly WorkflowContainer[]
  readonly env: Env
  /** As it is written: names with their values, `include` and `exclude` among them. */
  readonly matrix: readonly Entry[]
  readonly steps: readonly WorkflowStep[]
  /** A reusable workflow that the job calls in place of steps. */
  readonly uses?: Text
  /** Any other key. */
  entry(key: string): Entry | undefined
}

export interface Workflow {
  readonly yaml: YamlFile
  readonly name?: Text
  /** The events that start it. */
  readonly on: readonly string[]
  readonly env: Env
  readonly jobs: readonly WorkflowJob[]
}

/**
 * Reads a workflow of GitHub Actions.
 *
 * @throws ModelError with the place, where it is no YAML.
 */
export function parseWorkflow(text: string): Workflow {
  const yaml = parseYaml(text)
  // Dollars belong to the shell and to expressions here.
  const reader = new Plain(yaml, {})
  const at = (key: string) => entryAt(yaml, yaml.root, key)
  const name = reader.text(at('name'))
  return {
    yaml,
    ...(name ? { name } : {}),
    on: [
      ...reader.list(at('on')).map(({ value }) => value),
      ...reader.entries(at('on')).map(({ key }) => key),
    ],
    env: envOf(reader, at('env')),
    jobs: reader.entries(at('jobs')).map(entry => jobOf(reader, entry)),
  }
}

class Plain extends Reader {
  override value(raw: string) {
    return { value: raw, missing: [], required: [] }
  }
}

/** The texts of a mapping under the names that the model has for them. */
function texts<N extends string>(
  reader: Reader,
  node: unknown,
  keys: Record<N, string>,
): { [name in N]?: Text } {
  return Object.fromEntries(
    Object.entries<string>(keys).flatMap(([name, key]) => {
      const text = reader.text(entryAt(reader.file, node, key))
      return text ? [[name, text]] : []
    }),
  ) as { [name in N]?: Text }
}

const own = (node: unknown): YAMLMap | undefined => (isMapping(node) && !node.anchor ? node : undefined)

function jobOf(reader: Reader, { key: id, keyAt, pair, value }: Entry): WorkflowJob {
  const at = (key: string) => entryAt(reader.file, value, key)
  const container = at('container')
  const short = reader.text(container)
  return {
    id,
    at: keyAt,
    map: own(pair.value),
    ...texts(reader, value, { name: 'name', uses: 'uses' }),
    runsOn: reader.list(at('runs-on')),
    needs: reader.list(at('needs')),
    ...(container?.value
      ? { container: { ...containerOf(reader, container), ...(short ? { image: short } : {}) } }
      : {}),
    services: reader.entries(at('services')).map(entry => containerOf(reader, entry)),
    env: envOf(reader, at('env')),
    matrix: entriesOf(reader.file, entryAt(reader.file, at('strategy')?.value, 'matrix')?.value),
    steps: itemsOf(reader.file, at('steps')?.value).map(item => stepOf(reader, item)),
    entry: at,
  }
}

function containerOf(reader: Reader, { key: name, keyAt, pair, value }: Entry): WorkflowContainer {
  return {
    name,
    at: keyAt,
    map: own(pair.value),
    ...texts(reader, value, { image: 'image', options: 'options' }),
    env: envOf(reader, entryAt(reader.file, value, 'env')),
    ports: portsOf(reader, entryAt(reader.file, value, 'ports')),
  }
}

const STEP = {
  id: 'id',
  name: 'name',
  uses: 'uses',
  run: 'run',
  shell: 'shell',
  workingDirectory: 'working-directory',
  condition: 'if',
  continueOnError: 'continue-on-error',
}

function stepOf(reader: Reader, item: unknown): WorkflowStep {
  return {
    at: spanOf(item),
    map: own(item),
    ...texts(reader, item, STEP),
    env: envOf(reader, entryAt(reader.file, item, 'env')),
    with: envOf(reader, entryAt(reader.file, item, 'with')),
  }
}

function envOf(reader: Reader, entry: Entry | undefined): Env {
  return new Map(
    reader.entries(entry).map(({ key, keyAt, value }) => {
      const empty: Text = { raw: '', at: keyAt, value: '', missing: [], required: [] }
      return [key, (value && reader.scalar(value)) || empty]
    }),
  )
}
