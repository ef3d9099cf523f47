import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { descendants, isAlive } from './proc.js'
import { rabbitmqReadyAt, startRabbitmq } from './rabbitmq.js'

const programOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()

test('a broker is one process with its helpers, without epmd, and none outlives it', async () => {
  const begun = Date.now()
  const server = await startRabbitmq()
  onTestFinished(() => server.remove())
  const family = [server.pid, ...descendants(server.pid)]
  expect(programOf(server.pid)).toBe('beam.smp')
  expect(family.map(programOf)).not.toContain('epmd')
  expect(rabbitmqReadyAt(server.log())).toBeGreaterThan(begun)
  expect(rabbitmqReadyAt(server.log())).toBeLessThanOrEqual(Date.now())
  await server.kill()
  expect(family.filter(pid => isAlive(pid))).toEqual([])
}, 90_000)
