import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const script = join(root, '.ci/run')
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-ci-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What .ci/run does once it is in place: everything but comments and the lines that bring it there. */
const work = () =>
  readFileSync(script, 'utf8')
    .split('\n')
    .filter(line => line && !/^(#|set -euo pipefail$|cd |exec <)/.test(line))

describe('.ci/run', () => {
  test('runs exactly the command that the README gives under "Run the tests"', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const block = /^## Run the tests\n+```\w*\n([\s\S]*?)\n```/m.exec(readme)?.[1]
    expect(work()).toEqual([block])
  })

  test('is executable', () => {
    expect(statSync(script).mode & 0o111).toBe(0o111)
  })

  test('works from any folder and through a link, with nothing on standard input', async () => {
    const log = join(folder, 'log')
    const npm = join(folder, 'npm')
    writeFileSync(npm, `#!/bin/sh\necho "$PWD $* \${HOLDFAST_INSTALL-none} $(wc -c)" >>'${log}'\n`)
    chmodSync(npm, 0o755)
    const link = join(folder, 'link')
    symlinkSync(script, link)
    const { HOLDFAST_INSTALL: _, ...inherited } = process.env
    const env = { ...inherited, PATH: `${folder}:${process.env.PATH}` }
    await promisify(execFile)(link, { cwd: '/', env })
    const here = root.replace(/\/$/, '')
    expect(readFileSync(log, 'utf8')).toBe(`${here} ci none 0\n${here} test 1 0\n`)
  })

  test('fails when the installation fails, without starting a test', async () => {
    const broken = mkdtempSync(join(folder, 'broken-'))
    const npm = join(broken, 'npm')
    writeFileSync(npm, `#!/bin/sh\necho "$1" >>'${join(broken, 'log')}'\nexit 7\n`)
    chmodSync(npm, 0o755)
    const env = { ...process.env, PATH: `${broken}:${process.env.PATH}` }
    await expect(promisify(execFile)(script, { cwd: '/', env })).rejects.toMatchObject({ code: 7 })
    expect(readFileSync(join(broken, 'log'), 'utf8')).toBe('ci\n')
  })
})
