import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => /^client.*\.md$/.test(name))
    .map(name => `docs/${name}`),
]

let folder: string

beforeAll(() => {
  if (!existsSync(join(root, 'dist/types/index.d.ts'))) throw new Error('no dist: run `npm run build` first')
  folder = mkdtempSync(join(tmpdir(), 'holdfast-snippets-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A project with holdfast's types; resolves with what tsc says of its files. */
async function compiled(name: string, files: Readonly<Record<string, string>>, options: object) {
  const project = join(folder, name)
  const own = join(project, 'node_modules/holdfast')
  cpSync(join(root, 'dist/types'), join(own, 'dist/types'), { recursive: true })
  cpSync(join(root, 'package.json'), join(own, 'package.json'))
  const common = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true }
  const all: Record<string, string> = {
    ...files,
    'package.json': '{ "private": true, "type": "module" }',
    'tsconfig.json': JSON.stringify({
      compilerOptions: { ...common, ...options },
      files: Object.keys(files).filter(file => !file.startsWith('node_modules')),
    }),
  }
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(dirname(join(project, file)), { recursive: true })
    writeFileSync(join(project, file), text)
  }
  const tsc = join(root, 'node_modules/.bin/tsc')
  const { stdout } = await promisify(execFile)(tsc, ['-p', project]).catch(error => error)
  return stdout as string
}

/** Each is a file of its own, whose name tells where it begins. */
function snippets(): Record<string, string> {
  const found = pages.flatMap(page => {
    const text = readFileSync(join(root, page), 'utf8')
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ index, 1: code = '' }) => {
      const line = text.slice(0, index).split('\n').length
      return [`${page.replace(/^docs\//, '')}-${line}.ts`, code] as const
    })
  })
  return Object.fromEntries(found)
}

const PACKAGES =
  '@types/node @types/pg @types/pg-cursor @types/express @opentelemetry/api pg pg-cursor express fastify hono ioredis redis mysql2 kysely drizzle-orm knex'.split(
    ' ',
  )

describe.concurrent('the types', () => {
  test('let every snippet of the pages about the client compile as it stands', async () => {
    const files = snippets()
    expect(Object.keys(files).length).toBeGreaterThan(12)
    for (const name of PACKAGES) {
      const link = join(folder, 'pages/node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), link)
    }
    const options = { noUncheckedIndexedAccess: true, skipLibCheck: true, types: ['node'] }
    expect(await compiled('pages', files, options)).toBe('')
  })

  test('of holdfast/redis do not need both drivers', async () => {
    const files = {
      'main.ts': `import { connect } from 'holdfast/redis'\nexport const client = await connect('env:REDIS_URL')`,
    }
    const options = { lib: ['es2023', 'dom'], types: [], skipDefaultLibCheck: true }
    expect(await compiled('driverless', files, options)).toBe('')
  })
})
