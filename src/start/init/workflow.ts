import { insertLines, setKey, startOfLine, stepOf } from '../../model/edit.js'
import { block, type Tree } from '../../model/render.js'
import { applyEdits, type Edit } from '../../model/text.js'
import {
  parseWorkflow,
  type Workflow,
  type WorkflowContainer,
  type WorkflowJob,
  type WorkflowStep,
} from '../../model/workflow.js'
import { entryAt } from '../../model/yaml.js'
import { type Ci, ciOf, healthOf, type Login } from './ci.js'
import type { Outcome } from './draft.js'
import type { Need } from './needs.js'
import { healthOptions } from './probes.js'
import type { Project, SourceFile } from './project.js'

const PATH = '.github/workflows/holdfast.yml'

/** Service containers with health checks, and a step that waits, for the job that runs the tests. */
export function planWorkflow(project: Project, needs: readonly Need[]): Outcome {
  const ci = ciOf(project, needs)
  for (const file of project.workflows) {
    const job = file.model.jobs.find(one => testStep(one) !== undefined)
    if (job) {
      const { drafts, notes } = extend(file, job, ci)
      return {
        drafts,
        notes: [
          ...notes,
          ...othersOf(project, job).map(text => `${text}; job ${job.id} alone is looked after`),
        ],
      }
    }
  }
  const before = project.tree.read(PATH)
  if (before === undefined && project.workflows.length === 0 && project.otherCi)
    return {
      drafts: [],
      notes: [
        `${project.otherCi}: no workflow is written beside it; put this before its tests: npx --yes holdfast wait`,
      ],
    }
  if (project.languages.length === 0)
    return { drafts: [], notes: ['no language is known here: there is no workflow to write'] }
  return { drafts: [{ path: PATH, part: 'workflow', before, after: created(project, ci) }], notes: ci.notes }
}

const TESTS =
  /\b(pytest|tox|nox|vitest|jest|mocha|ava|playwright test|go test|gotestsum|node --test|make (test|check)|(npm|pnpm|yarn|bun) (run )?(t|test)\b|npm (t|test)|manage\.py test|python -m unittest|rspec|cargo test|mvn \S*test|gradlew? \S*test)/

const testStep = (job: WorkflowJob): WorkflowStep | undefined =>
  job.steps.find(({ run }) => run && TESTS.test(run.value))

const WAIT = /\bholdfast (wait|doctor|test|run)\b/

function extend(file: SourceFile<Workflow>, { id }: WorkflowJob, ci: Ci): Outcome {
  const notes: string[] = []
  let text = file.text
  const edit = (what: string, make: (workflow: Workflow, job: WorkflowJob) => Edit[] | undefined) => {
    const workflow = parseWorkflow(text)
    const job = workflow.jobs.find(one => one.id === id)
    const edits = job && make(workflow, job)
    if (edits) text = applyEdits(text, edits)
    else notes.push(`${file.path}: job ${id}: ${what} cannot be inserted in its place; write it by hand`)
  }
  const job = file.model.jobs.find(one => one.id === id)
  // Compose waits by depends_on there.
  const composed = job?.steps.find(({ run }) => run && /\bdocker[ -]compose\b.*\b(run|up)\b/.test(run.value))
  if (composed)
    return {
      drafts: [],
      notes: [
        `${file.path}: job ${id} starts its services by Compose, whose health checks are the wait; use up --wait before what runs outside of it`,
      ],
    }
  if (job?.steps.some(({ run }) => run && WAIT.test(run.value)))
    return {
      drafts: [{ path: file.path, part: 'workflow', before: file.text, after: text, insertion: true }],
      notes,
    }
  for (const service of ci.services) {
    const there = job?.services.find(
      one => one.name === service.name || one.image?.value.split(/[:@]/)[0] === service.image.split(':')[0],
    )
    const health = there?.image ? healthOf(there.image.value, rawOf(there)) : undefined
    if (!there)
      edit(`service ${service.name}`, (workflow, one) =>
        addService(workflow, one, service.name, service.tree),
      )
    else if (health && !there.options) {
      const options = healthOptions(health)
      edit(`options of ${there.name}`, ({ yaml }, one) =>
        setKey(yaml, one.services.find(({ name }) => name === there.name)?.map, 'options', options),
      )
    } else if (health && !there.options?.value.includes('--health-cmd')) {
      notes.push(
        `${file.path}: service ${there.name} has options without a health check; add: ${healthOptions(health)}`,
      )
    }
  }
  const step = job && testStep(job)
  const host = job?.container ? undefined : 'localhost'
  const own: Record<string, string> = {}
  for (const [name, value] of ci.env(host, (name, image) => job && loginOf(written(job, name, image)))) {
    const given = step?.env.get(name)
    if (given) own[name] = given.raw
    else if (!job?.env.has(name) && !file.model.env.has(name))
      edit(`env ${name}`, (workflow, one) => addEnv(workflow, one, name, value))
  }
  const inside = job?.container?.image?.value
  if (inside && !/node/.test(inside))
    notes.push(
      `${file.path}: job ${id} runs in ${inside}, which may have no Node: no step is written, and the services' health options are the wait`,
    )
  else edit('the step that waits', (workflow, one) => addStep(workflow, one, waitStep(own)))
  return {
    drafts: [{ path: file.path, part: 'workflow', before: file.text, after: text, insertion: true }],
    notes: [...notes, ...ci.notes],
  }
}

const rawOf = ({ env }: WorkflowContainer) => [...env].map(([name, { raw }]) => [name, raw] as const)

/** Further jobs that run tests, and do not wait for anything. */
const othersOf = ({ workflows }: Project, job: WorkflowJob): string[] =>
  workflows.flatMap(({ path, model }) =>
    model.jobs
      .filter(
        one => one !== job && testStep(one) && !one.steps.some(({ run }) => run && WAIT.test(run.value)),
      )
      .map(({ id }) => `${path}: job ${id} runs tests, too`),
  )

/** The job's own container for a service: by its name, or by its image. */
const written = (job: WorkflowJob, name: string, image: string): WorkflowContainer | undefined =>
  job.services.find(one => one.name === name || one.image?.value.split(/[:@]/)[0] === image.split(':')[0])

/** The login that a container's environment gives its server. */
function loginOf(container: WorkflowContainer | undefined): Login | undefined {
  if (!container) return undefined
  const of = (pattern: RegExp) => [...container.env].find(([name]) => pattern.test(name))?.[1].raw
  const root = of(/^(MYSQL|MARIADB)_ROOT_PASSWORD$/)
  const postgres = [...container.env].some(([name]) => name.startsWith('POSTGRES_'))
  const user = of(/^(POSTGRES|MYSQL|MARIADB)_USER$/) ?? (root ? 'root' : postgres ? 'postgres' : undefined)
  const password = of(/^(POSTGRES|MYSQL|MARIADB)_PASSWORD$/) ?? root
  const database = of(/^(POSTGRES_DB|MYSQL_DATABASE|MARIADB_DATABASE)$/) ?? (postgres ? user : undefined)
  const port = container.ports[0]?.published
  const parts = Object.entries({ port, user, password, database }).filter(([, value]) => value !== undefined)
  return { name: container.name, ...Object.fromEntries(parts) }
}

function addService({ yaml }: Workflow, job: WorkflowJob, name: string, tree: Tree): Edit[] | undefined {
  const entry = entryAt(yaml, job.map, 'services')
  if (!entry) return setKey(yaml, job.map, 'services', { [name]: tree }, 'steps')
  return setKey(yaml, entry.borrowed ? undefined : entry.pair.value, name, tree)
}

function addEnv({ yaml }: Workflow, job: WorkflowJob, name: string, value: string): Edit[] | undefined {
  const entry = entryAt(yaml, job.map, 'env')
  if (!entry) return setKey(yaml, job.map, 'env', { [name]: value }, 'steps')
  return setKey(yaml, entry.borrowed ? undefined : entry.pair.value, name, value)
}

const waitStep = (env: Readonly<Record<string, string>>) => ({
  name: 'Wait for services',
  run: 'npx --yes holdfast wait',
  ...(Object.keys(env).length > 0 ? { env } : {}),
})

/** A step before the one that runs the tests, and before the comments over that. */
function addStep({ yaml }: Workflow, job: WorkflowJob, step: Tree): Edit[] | undefined {
  const test = testStep(job)
  if (!test) return undefined
  const dash = yaml.text.lastIndexOf('-', test.at.from)
  const at = startOfLine(yaml, dash)
  if (at === undefined || dash < 0 || yaml.text.slice(dash + 1, test.at.from).trim() !== '') return undefined
  const indent = ' '.repeat(yaml.position(dash).column - 1)
  return insertLines(
    yaml,
    at,
    block([step], stepOf(yaml)).map(line => indent + line),
  )
}

function created(project: Project, ci: Ci): string {
  const services = ci.services.map(({ name, tree }) => [name, tree] as const)
  const env = ci.env('localhost')
  const [language] = project.languages
  const steps = [
    { uses: 'actions/checkout@v4' },
    ...project.languages.map(({ setup }) => setup),
    ...project.languages.flatMap(({ install }) => install.map(run => ({ run }))),
    waitStep({}),
    { name: 'Test', run: language?.test ?? '' },
  ]
  const job = {
    'runs-on': 'ubuntu-latest',
    'timeout-minutes': 15,
    ...(services.length > 0 ? { services: Object.fromEntries(services) } : {}),
    ...(env.length > 0 ? { env: Object.fromEntries(env) } : {}),
    steps,
  }
  const lines = block({
    name: 'tests',
    on: ['push', 'pull_request'],
    permissions: { contents: 'read' },
    jobs: { test: job },
  })
  // `on` needs no quotes here, and nobody writes them.
  return `${lines.join('\n').replace(/^"on":/m, 'on:')}\n`
}
