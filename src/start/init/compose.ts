import { type ComposeFile, type ComposeService, parseCompose } from '../../model/compose.js'
import { dependOn } from '../../model/compose-edit.js'
import { setKey } from '../../model/edit.js'
import type { ServerInfo } from '../../model/images.js'
import { applyEdits, type Edit } from '../../model/text.js'
import type { Outcome } from './draft.js'
import { mentions, type Need } from './needs.js'
import { probeOf, TIMES } from './probes.js'
import { appsOf, environmentOf, type Project, serversOf } from './project.js'

/** What Compose merges by itself. */
const OVERLAYS = ['compose', 'docker-compose'].flatMap(name => [
  `${name}.override.yaml`,
  `${name}.override.yml`,
])

/** Health checks for the servers, and programs that wait for them. */
export function planCompose(project: Project, _needs: readonly Need[]): Outcome {
  const { compose, tree } = project
  if (!compose) return { drafts: [], notes: ['no Compose file: there are no health checks to write'] }
  const servers = serversOf(tree, compose.model)
  const editor = new Editor(compose.text, compose.path)
  const healthy = new Set<string>()
  for (const [name, server] of servers) if (addHealthcheck(editor, name, server)) healthy.add(name)
  const asked = new Set([...healthy, ...[...compose.model.services.values()].flatMap(checked)])
  for (const app of appsOf(tree, compose.model)) {
    const listed = app.dependsOn.filter(one => asked.has(one.service) && !one.conditionAt)
    for (const name of new Set([...healthy, ...listed.map(({ service }) => service)])) {
      const named = app.dependsOn.some(one => one.service === name)
      const server = compose.model.services.get(name)
      if (!named && (server?.profiles.length || !uses([...environmentOf(tree, app).values()], server)))
        continue
      order(editor, app.name, name, asked)
    }
  }
  const overlay = tree.first(OVERLAYS)
  return {
    drafts: [
      { path: compose.path, part: 'compose', before: compose.text, after: editor.text, insertion: true },
    ],
    notes: [
      ...editor.notes,
      ...(overlay
        ? [`${overlay} is not read: what it changes of health checks and variables is not seen`]
        : []),
    ],
  }
}

/** The program's own health check counts as much as a server's. */
const checked = ({ name, healthcheck }: ComposeService): string[] =>
  healthcheck?.test && !healthcheck.disabled ? [name] : []

/** A text that is edited step by step, each on what the one before has left. */
class Editor {
  readonly notes: string[] = []
  #file: ComposeFile
  constructor(
    public text: string,
    readonly path: string,
  ) {
    this.#file = parseCompose(text)
  }

  /** False where the edit cannot be made in place. */
  edit(name: string, make: (file: ComposeFile, service: ComposeService) => Edit[] | undefined): boolean {
    const service = this.#file.services.get(name)
    const edits = service && make(this.#file, service)
    if (!edits) return false
    this.text = applyEdits(this.text, edits)
    if (edits.length > 0) this.#file = parseCompose(this.text)
    return true
  }

  service(name: string): ComposeService | undefined {
    return this.#file.services.get(name)
  }

  note(name: string, text: string): void {
    const { line = 1 } = this.#file.yaml.position(this.service(name)?.at.from ?? 0)
    this.notes.push(`${this.path}:${line}: ${name}: ${text}`)
  }
}

/** Whether the server has a health check in the end. */
function addHealthcheck(editor: Editor, name: string, server: ServerInfo): boolean {
  const service = editor.service(name)
  const written = service?.healthcheck
  const inCommand = passwordOf(service)
  const probe = inCommand === 'literal' ? undefined : probeOf(server, inCommand)
  if (written) {
    if (written.disabled) return false
    const test = written.test?.words.map(({ value }) => value).join(' ') ?? ''
    if (bySocket(test) && probe)
      editor.note(
        name,
        `its health check asks over the Unix socket, which answers while the image is still initialising; write test: ${JSON.stringify(probe)}`,
      )
    return true
  }
  if (!probe) {
    const why =
      inCommand === 'literal'
        ? 'its password is written into its command; take it from a variable, and run holdfast init again'
        : `the image ${server.image.repository} has no program that could ask it; let the program wait with holdfast wait`
    editor.note(name, `no health check is written: ${why}`)
    return false
  }
  const value = { test: [...probe], ...TIMES }
  if (editor.edit(name, (file, { map }) => setKey(file.yaml, map, 'healthcheck', value))) return true
  editor.note(
    name,
    `it is an alias or has an anchor; write its health check by hand: test: ${JSON.stringify(probe)}; then condition: service_healthy where a program depends on it`,
  )
  return false
}

const bySocket = (test: string): boolean =>
  /\b(pg_isready|psql)\b/.test(test)
    ? !/(-h|--host)[ =]?\S|host=|hostaddr=|postgres(ql)?:\/\//.test(test)
    : /\b(mysqladmin|mariadb-admin)\b/.test(test) &&
      !/--protocol=?\s*tcp|(-h|--host)[ =]?(?!localhost)\S/i.test(test)

/** How `redis-server --requirepass` names the password: a variable as it is written, or `literal`. */
function passwordOf(service: ComposeService | undefined): string | 'literal' | undefined {
  const words = service?.command?.words.map(({ raw }) => raw).join(' ') ?? ''
  const value = /--requirepass[ =]+["']?([^\s"']+)/.exec(words)?.[1]
  if (value === undefined) return undefined
  const name = /^\$\{?(\w+)(?::?\?[^}]*)?\}?$/.exec(value)?.[1]
  if (name) return `\${${name}}`
  return /^\$\$\{?\w+\}?$/.test(value) ? value : 'literal'
}

function order(editor: Editor, app: string, server: string, asked: ReadonlySet<string>): void {
  const written = editor.service(app)?.dependsOn.find(one => one.service === server)
  if (written?.conditionAt && written.condition !== 'service_healthy') {
    editor.note(
      app,
      `it starts at ${written.condition} of ${server}, as is written; service_healthy waits until it serves`,
    )
    return
  }
  if (editor.edit(app, (file, service) => dependOn(file, service, server, asked))) return
  editor.note(
    app,
    `its depends_on is shared by an anchor or an alias; write by hand: ${server}: { condition: service_healthy }`,
  )
}

const uses = (values: readonly string[], server: ComposeService | undefined): boolean => {
  const names = server
    ? [
        server.name,
        ...(server.containerName ? [server.containerName.value] : []),
        ...server.networks.flatMap(({ aliases }) => aliases.map(({ value }) => value)),
      ]
    : []
  return names.some(name => values.some(value => mentions(value, name)))
}
