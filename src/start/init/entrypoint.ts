import type { Outcome } from './draft.js'
import type { Need } from './needs.js'
import type { Project } from './project.js'

const PATH = 'entrypoint.sh'

const SCRIPT = `#!/bin/sh
# Checks, waits for what holdfast.config.yaml names, and then becomes the server: one process, which gets the signals.
exec ./node_modules/.bin/holdfast-entrypoint "$@"
`

/** Images that have Node and a shell; the last stage decides. */
const NODE_IMAGE = /^(?!.*distroless)(.*\/)?(node|nodejs)([:@-]|$)/

/** An entrypoint for an image that has Node. For others the health checks of the Compose file are the wait. */
export function planEntrypoint({ dockerfile, languages, tree }: Project, _needs: readonly Need[]): Outcome {
  if (!dockerfile) return { drafts: [], notes: ['no Dockerfile: there is no entrypoint to write'] }
  const node = languages.some(({ name }) => name === 'Node') && hasNode(dockerfile.text)
  if (!node) {
    const note = `${dockerfile.path}: no entrypoint is written, since its image has no Node or no shell; there depends_on with health checks is the wait (docs/init.md says what else there is)`
    return { drafts: [], notes: [note] }
  }
  const before = tree.read(PATH)
  const notes = dockerfile.text.includes(PATH)
    ? []
    : [`add to ${dockerfile.path}: COPY ${PATH} ./ and ENTRYPOINT ["./${PATH}"]`]
  const manifest = tree.read('package.json') ?? ''
  if (!/"holdfast"\s*:/.test(manifest)) notes.push('the image needs holdfast: npm install holdfast')
  return { drafts: [{ path: PATH, part: 'entrypoint', before, after: SCRIPT, executable: true }], notes }
}

function hasNode(text: string): boolean {
  const stages = new Map<string, string>()
  let last = ''
  for (const [, image = '', name] of text.matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/gim)) {
    last = stages.get(image.toLowerCase()) ?? image
    if (name) stages.set(name.toLowerCase(), last)
  }
  return NODE_IMAGE.test(last)
}
