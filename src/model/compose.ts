import type { YAMLMap } from 'yaml'
import {
  buildOf,
  commandOf,
  dependenciesOf,
  envFilesOf,
  environmentOf,
  healthcheckOf,
  mountsOf,
  networksOf,
  portsOf,
  secretsOf,
} from './compose-parts.js'
import {
  type Build,
  type Command,
  type Dependency,
  type EnvFile,
  type Healthcheck,
  type Mount,
  type NetworkUse,
  type Port,
  Reader,
  type SecretUse,
  type Text,
  type Variable,
} from './compose-types.js'
import type { Variables } from './interpolate.js'
import type { Span } from './text.js'
import { type Entry, entriesOf, entryAt, isMapping, parseYaml, valueAt, type YamlFile } from './yaml.js'

/** One service, with the places of what it has. Merge keys and aliases are resolved, variables filled in. */
export interface ComposeService {
  readonly name: string
  /** The key. */
  readonly at: Span
  /** Its mapping, to be edited; undefined where it is an alias, whose anchor others share. */
  readonly map: YAMLMap | undefined
  readonly image?: Text
  readonly build?: Build
  readonly containerName?: Text
  readonly ports: readonly Port[]
  readonly environment: ReadonlyMap<string, Variable>
  readonly envFiles: readonly EnvFile[]
  readonly healthcheck?: Healthcheck
  readonly dependsOn: readonly Dependency[]
  readonly command?: Command
  readonly entrypoint?: Command
  readonly networks: readonly NetworkUse[]
  readonly networkMode?: Text
  readonly mounts: readonly Mount[]
  readonly secrets: readonly SecretUse[]
  readonly profiles: readonly Text[]
  readonly extraHosts: readonly Text[]
  /** `extends` is not followed here: who has the other file merges it. */
  readonly extends?: { readonly service: Text; readonly file?: Text }
  /** Any other key. */
  entry(key: string): Entry | undefined
}

/** One Compose file by itself; overlays and `extends` are merged by whoever has the other files. */
export interface ComposeFile {
  readonly yaml: YamlFile
  readonly services: ReadonlyMap<string, ComposeService>
  /** Top-level declarations, by name. */
  readonly networks: ReadonlyMap<string, Entry>
  readonly volumes: ReadonlyMap<string, Entry>
  readonly secrets: ReadonlyMap<string, Entry>
}

/**
 * Reads a Compose file. `variables` fill in `${NAME}`: what stands in `.env` beside the file, then the shell's.
 *
 * @throws ModelError with the place, where it is no YAML.
 */
export function parseCompose(text: string, variables: Variables = {}): ComposeFile {
  const yaml = parseYaml(text)
  const reader = new Reader(yaml, variables)
  const named = (key: string) =>
    new Map(entriesOf(yaml, valueAt(yaml, yaml.root, key)).map(entry => [entry.key, entry]))
  const services = [...named('services').values()].map(
    entry => [entry.key, serviceOf(reader, entry)] as const,
  )
  return {
    yaml,
    services: new Map(services),
    networks: named('networks'),
    volumes: named('volumes'),
    secrets: named('secrets'),
  }
}

function serviceOf(reader: Reader, { key: name, keyAt, pair, value, borrowed }: Entry): ComposeService {
  const { file } = reader
  const at = (key: string) => entryAt(file, value, key)
  const text = (key: string) => reader.text(at(key))
  const texts = {
    image: text('image'),
    containerName: text('container_name'),
    networkMode: text('network_mode'),
    build: buildOf(reader, at('build')),
    healthcheck: healthcheckOf(reader, at('healthcheck')),
    command: commandOf(reader, at('command')),
    entrypoint: commandOf(reader, at('entrypoint')),
    extends: extendsOf(reader, at('extends')),
  }
  return {
    name,
    at: keyAt,
    map: isMapping(pair.value) && !borrowed && !pair.value.anchor ? pair.value : undefined,
    ...(Object.fromEntries(
      Object.entries(texts).filter(([, one]) => one !== undefined),
    ) as Partial<ComposeService>),
    ports: portsOf(reader, at('ports')),
    environment: environmentOf(reader, at('environment')),
    envFiles: envFilesOf(reader, at('env_file')),
    dependsOn: dependenciesOf(reader, at('depends_on')),
    networks: networksOf(reader, at('networks')),
    mounts: mountsOf(reader, at('volumes')),
    secrets: secretsOf(reader, at('secrets')),
    profiles: reader.list(at('profiles')),
    extraHosts: reader.list(at('extra_hosts')),
    entry: at,
  }
}

function extendsOf(reader: Reader, entry: Entry | undefined): ComposeService['extends'] {
  const short = reader.text(entry)
  if (short) return { service: short }
  const service = reader.text(entryAt(reader.file, entry?.value, 'service'))
  const file = reader.text(entryAt(reader.file, entry?.value, 'file'))
  return service && { service, ...(file ? { file } : {}) }
}
