import { expect, it, onTestFinished } from 'vitest'
import { startPostgres } from '../support/postgres.js'
import { buildProgram, runChild } from '../surprises/children.js'
import type { Soaked } from '../surprises/soak.js'

it('while connections are killed and cut, what is told is so, and no handle, listener or client is left over', async () => {
  const [server, program] = await Promise.all([startPostgres({ auth: 'trust' }), buildProgram()])
  onTestFinished(() => server.remove())
  await server.sql('grant all on schema public to app')
  const { host, port } = server
  const url = server.url({ query: { sslmode: 'disable' } })
  const { said, stderr } = await runChild(program, 'soak', {
    told: { host, port, url, count: 800, seed: 6, rounds: 4 },
    execArgv: ['--expose-gc'],
  })
  expect(said, stderr).toBeDefined()
  const soaked = said as Soaked
  expect(soaked.wrong).toEqual([])
  expect(soaked.left).toEqual([])
  expect(soaked.kills).toBeGreaterThan(5)
  expect(soaked.cuts).toBeGreaterThan(5)
  const [first, ...later] = soaked.samples
  for (const { listeners } of later) expect(listeners).toBeLessThanOrEqual(first?.listeners ?? 0)
})
