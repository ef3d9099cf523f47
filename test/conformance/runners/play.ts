import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { tempFolder } from '../../support/root.js'
import { run } from '../../support/run.js'
import type { Face, Ran, Reported } from './face.js'
import { common, FILES, type FileName } from './files.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export interface Play {
  readonly files: readonly FileName[]
  readonly env: Readonly<Record<string, string>>
  /** With the set-up of a whole run. */
  readonly setUp?: boolean
}

/** Writes the project, runs the real runner over it, and reads what it says. */
export async function play(face: Face, { files, env, setUp = false }: Play): Promise<Ran> {
  const project = tempFolder('runner')
  install(project, face.packages)
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), text)
  }
  const names = files.map(name => `${name}${face.ending}`)
  files.forEach((name, i) => {
    put(names[i] as string, `${face.prelude}${common(name)}${FILES[name]}`)
  })
  for (const [path, text] of Object.entries(face.project({ setUp }))) put(path, text)
  const [marks, junit, temp] = ['marks', 'junit.xml', 'tmp'].map(name => join(project, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(temp)
  writeFileSync(marks, '')
  const { args, env: own } = face.command({ setUp, junit, files: names })
  const { status, stdout, stderr } = await run(process.env.HOLDFAST_TEST_NODE ?? process.execPath, args, {
    cwd: project,
    env: {
      HOME: project,
      TMPDIR: temp,
      MARKS: marks,
      GIVEN_URL: env.DATABASE_URL ?? '',
      ...own,
      ...env,
    },
    timeoutMs: 60_000,
  })
  return {
    status,
    output: stripVTControlCharacters(`${stdout}\n${stderr}`),
    tests: existsSync(junit) ? reported(readFileSync(junit, 'utf8')) : [],
    marks: readFileSync(marks, 'utf8').split('\n').filter(Boolean),
    left: await processesLeft(marks),
  }
}

/** The package as npm installs it: a copy, so that a runner treats it as it does a user's. */
export function install(project: string, packages: readonly string[]) {
  const modules = join(project, 'node_modules')
  const own = join(modules, 'holdfast')
  mkdirSync(own, { recursive: true })
  for (const name of ['package.json', 'dist']) cpSync(join(root, name), join(own, name), { recursive: true })
  // Optional peers are found from the package and from the project alike.
  for (const name of ['jiti', ...packages]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
}

const UNESCAPED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** What a JUnit file says of each test. */
function reported(xml: string): Reported[] {
  return [...xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)].map(
    ([, head = '', body = '']) => {
      const text = `${head} ${body}`.replace(/&(lt|gt|amp|quot|apos);/g, (_, name) => UNESCAPED[name] ?? '')
      const name = /\bname="([^"]*)"/.exec(head)?.[1] ?? ''
      const state = /<(failure|error)\b/.test(body)
        ? 'failed'
        : /<skipped\b/.test(body)
          ? 'skipped'
          : 'passed'
      return { name, state, text }
    },
  )
}

/** What owns stand-ins looks now and then whether the run is still there. */
const PATIENCE_MS = 5_000

async function processesLeft(marks: string): Promise<string[]> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const left = await processesWith(marks)
    if (left.length === 0 || performance.now() > end) return left
    await delay(50)
  }
}

/** Processes that the run left: whatever it started has its environment. */
async function processesWith(marks: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
    if ((await read('environ')).includes(`MARKS=${marks}`))
      found.push(`${pid} ${(await read('cmdline')).replaceAll('\0', ' ')}`)
  }
  return found
}
