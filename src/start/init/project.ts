import { type ComposeFile, type ComposeService, parseCompose } from '../../model/compose.js'
import { COMPOSE_FILES } from '../../model/compose-files.js'
import { type ServerInfo, serverOf } from '../../model/images.js'
import { parseDotenv } from '../../model/interpolate.js'
import { ModelError } from '../../model/text.js'
import { parseWorkflow, type Workflow } from '../../model/workflow.js'
import { type Language, languagesOf, settingsOf } from './languages.js'
import type { Tree } from './tree.js'

export interface SourceFile<T> {
  readonly path: string
  readonly text: string
  readonly model: T
}

/** What stands in a tree. */
export interface Project {
  readonly tree: Tree
  readonly languages: readonly Language[]
  readonly compose?: SourceFile<ComposeFile>
  readonly workflows: readonly SourceFile<Workflow>[]
  readonly dockerfile?: { readonly path: string; readonly text: string }
  /** A configuration of holdfast that is here already. */
  readonly config?: string
  /** Another CI system's file. */
  readonly otherCi?: string
  /** Variables that the program reads, with what is known of their values. */
  readonly variables: ReadonlyMap<string, string>
  /** Those that only code reads which can do without. */
  readonly defaulted: ReadonlySet<string>
  /** What could not be read, and why. */
  readonly problems: readonly string[]
}

const CONFIG = /^holdfast\.config\.(ts|mts|js|mjs|json|ya?ml)$/
const OTHER_CI = [
  '.gitlab-ci.yml',
  '.circleci/config.yml',
  'Jenkinsfile',
  'azure-pipelines.yml',
  'bitbucket-pipelines.yml',
  '.travis.yml',
]

export function projectOf(tree: Tree): Project {
  const problems: string[] = []
  const read = <T>(path: string, parse: (text: string) => T): SourceFile<T>[] => {
    const text = tree.read(path)
    if (text === undefined) {
      if (tree.has(path))
        problems.push(`${path}: it cannot be read, is too large or no UTF-8; it stays as it is`)
      return []
    }
    try {
      return [{ path, text, model: parse(text) }]
    } catch (error) {
      if (!(error instanceof ModelError)) throw error
      const { line, column } = error.position
      problems.push(`${path}:${line}:${column}: it cannot be read: ${error.message}; it stays as it is`)
      return []
    }
  }
  const dotenv = Object.fromEntries(parseDotenv(tree.read('.env') ?? ''))
  const composePath = tree.first(COMPOSE_FILES)
  const [compose] = composePath ? read(composePath, text => parseCompose(text, dotenv)) : []
  const workflows = tree
    .list('.github/workflows')
    .filter(name => /\.ya?ml$/.test(name))
    .flatMap(name => read(`.github/workflows/${name}`, parseWorkflow))
  const builds = [...(compose?.model.services.values() ?? [])].flatMap(({ build }) =>
    build ? [`${build.context}/${build.dockerfile?.value ?? 'Dockerfile'}`.replace(/^(\.\/)+/, '')] : [],
  )
  const dockerfile = tree.first(['Dockerfile', ...builds])
  const config = tree.list('.').find(name => CONFIG.test(name))
  const otherCi = tree.first(OTHER_CI)
  return {
    tree,
    languages: languagesOf(tree),
    ...(compose ? { compose } : {}),
    workflows,
    ...(dockerfile ? { dockerfile: { path: dockerfile, text: tree.read(dockerfile) ?? '' } } : {}),
    ...(config ? { config } : {}),
    ...(otherCi ? { otherCi } : {}),
    ...variablesOf(tree, compose?.model),
    problems,
  }
}

/** From `.env` and its examples, the programs of the Compose file, and what settings read by name. */
function variablesOf(tree: Tree, compose: ComposeFile | undefined): Pick<Project, 'variables' | 'defaulted'> {
  const variables = new Map<string, string>()
  const add = (name: string, value: string) => {
    if (value || !variables.has(name)) variables.set(name, value)
  }
  for (const path of ['.env.sample', '.env.template', '.env.example', '.env'])
    for (const [name, value] of parseDotenv(tree.read(path) ?? '')) add(name, value)
  for (const app of compose ? appsOf(tree, compose) : [])
    for (const [name, value] of environmentOf(tree, app)) add(name, value)
  const reads = [...settingsOf(tree), tree.read('prisma/schema.prisma') ?? ''].flatMap(readsOf)
  const strict = new Set([...variables.keys(), ...reads.flatMap(([name, soft]) => (soft ? [] : [name]))])
  for (const [name] of reads) add(name, '')
  return { variables, defaulted: new Set([...variables.keys()].filter(name => !strict.has(name))) }
}

/** `environ["NAME"]` and `env("NAME")` need the variable; with a default, `.get` and `getenv` it may be missing. */
const readsOf = (text: string): (readonly [name: string, soft: boolean])[] =>
  [...text.matchAll(/(?:environ|(getenv)|env)\b([^'"\n]*)['"]([A-Z][A-Z0-9_]*)['"]\s*(,(?!\s*\)))?/g)].map(
    ([, getenv, way = '', name = '', more]) => [name, Boolean(getenv || more) || /\.get\b/.test(way)],
  )

/** What a service's environment is, its `env_file`s included. */
export function environmentOf(tree: Tree, service: ComposeService): Map<string, string> {
  return new Map([
    ...fileVariables(tree, service),
    ...[...service.environment].map(([name, { value }]) => [name, value?.value ?? ''] as const),
  ])
}

const fileVariables = (tree: Tree, service: ComposeService): Map<string, string> =>
  new Map(service.envFiles.flatMap(({ path }) => [...parseDotenv(tree.read(path.value) ?? '')]))

/** The servers of a Compose file, by the name of their service. */
export function serversOf(tree: Tree, compose: ComposeFile): Map<string, ServerInfo> {
  return new Map(
    [...compose.services].flatMap(([name, service]) => {
      const server = serverOf(service, fileVariables(tree, service))
      return server ? [[name, server] as const] : []
    }),
  )
}

/** Pages for administrators, and what only looks on: they need no order. */
const ONLOOKERS =
  /(^|\/)(pgadmin4?|adminer|phpmyadmin|redis-commander|redisinsight|mongo-express|kafka-ui|mailhog|mailpit|traefik|nginx|caddy)\b/

/** The services that run the project's own programs. */
export function appsOf(tree: Tree, compose: ComposeFile): ComposeService[] {
  const servers = serversOf(tree, compose)
  return [...compose.services.values()].filter(
    ({ name, image, build }) =>
      !servers.has(name) && (build !== undefined || !ONLOOKERS.test(image?.value ?? '')),
  )
}
