import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run } from '../support/run.js'

const script = fileURLToPath(new URL('../../scripts/containers.mjs', import.meta.url))
const containers = (...args: string[]) => run(process.execPath, [script, ...args])

test('`npm run containers -- --dry-run` tells the plan, and that its files are there', async () => {
  const { status, stdout, stderr } = await containers('--dry-run')
  expect(status, stderr).toBe(0)
  expect(stdout).toContain('scenes:\n  an ephemeral container waits through the socket-only server')
  expect(stdout).toMatch(/^it could (not )?run here/m)
})

test('a scene that does not exist is wrong usage', async () => {
  const { status, stderr } = await containers('--only', 'nothing of this name')
  expect([status, stderr]).toEqual([64, 'no scene is called "nothing of this name"\n'])
})

test('an option that does not exist is named', async () => {
  const { status, stderr } = await containers('--dri-run')
  expect([status, stderr]).toEqual([64, expect.stringContaining("'--dri-run'")])
  expect(stderr).not.toContain('    at ')
})
