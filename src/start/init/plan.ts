import { unifiedDiff } from '../../model/diff.js'
import { planCompose } from './compose.js'
import { concealed, type Secrets, secretsOf } from './conceal.js'
import { planConfig } from './config.js'
import { type Draft, PARTS, type Part } from './draft.js'
import { planEntrypoint } from './entrypoint.js'
import { needsOf, type Schemes } from './needs.js'
import { projectOf } from './project.js'
import { Tree } from './tree.js'
import { planWorkflow } from './workflow.js'

export type Action = 'create' | 'change' | 'replace' | 'unchanged' | 'kept'

export interface PlannedFile extends Draft {
  readonly action: Action
  /** Without secrets, so that its lines of context may differ from the file's. Empty where nothing is written. */
  readonly diff: string
}

export interface Plan {
  /** Whether anything was found that connects to a service. */
  readonly found: boolean
  /** Languages and files that were seen. */
  readonly seen: readonly string[]
  readonly files: readonly PlannedFile[]
  readonly notes: readonly string[]
}

export interface PlanOptions {
  readonly schemes: Schemes
  readonly only?: readonly Part[]
  /** Replace a file of ours that has other content. */
  readonly force?: boolean
}

/** What `holdfast init` would write into a folder. Reads, and writes nothing. */
export function planInit(folder: string, { schemes, only = PARTS, force = false }: PlanOptions): Plan {
  const project = projectOf(new Tree(folder))
  const needs = needsOf(project, schemes)
  const seen = [
    ...project.languages.map(({ name, framework, by }) => `${framework ?? name} (${by})`),
    ...(project.compose ? [project.compose.path] : []),
    ...(project.dockerfile ? [project.dockerfile.path] : []),
    ...project.workflows.map(({ path }) => path),
  ]
  if (needs.length === 0) return { found: false, seen, files: [], notes: project.problems }
  const plans = {
    config: planConfig,
    compose: planCompose,
    entrypoint: planEntrypoint,
    workflow: planWorkflow,
  }
  const outcomes = PARTS.filter(part => only.includes(part)).map(part => plans[part](project, needs))
  const secrets = secretsOf(project)
  const files = outcomes.flatMap(({ drafts }) => drafts).map(draft => planned(draft, force, secrets))
  const kept = files.filter(({ action }) => action === 'kept')
  return {
    found: true,
    seen,
    files,
    notes: [
      ...project.problems,
      ...outcomes.flatMap(({ notes }) => notes),
      ...kept.map(({ path }) => `${path} is kept: it has other content; --force replaces it`),
    ],
  }
}

function planned(draft: Draft, force: boolean, secrets: Secrets): PlannedFile {
  const { before, after, insertion } = draft
  const action =
    before === undefined
      ? 'create'
      : before === after
        ? 'unchanged'
        : insertion
          ? 'change'
          : force
            ? 'replace'
            : 'kept'
  const diff = action === 'kept' ? '' : unifiedDiff(draft.path, before, after)
  return { ...draft, action, diff: concealed(diff, secrets) }
}
