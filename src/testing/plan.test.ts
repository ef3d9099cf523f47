import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Config } from '../config/config.js'
import { planTests } from './plan.js'

const URLS = { DATABASE_URL: 'postgres://db/app' }

function file(config: Config): string {
  const folder = mkdtempSync(join(tmpdir(), 'hf-plan-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'holdfast.config.json')
  writeFileSync(path, JSON.stringify(config))
  return path
}
const configured = (config: Config, env: Record<string, string> = URLS) =>
  planTests({ configFile: file(config) }, env)

test('an answer holds 30 s, or as long as the configuration or the variable says', async () => {
  expect((await configured({})).availabilityMs).toBe(30_000)
  expect((await configured({ test: { availability: '2m' } })).availabilityMs).toBe(120_000)
  const env = { ...URLS, HOLDFAST_AVAILABILITY: '250ms' }
  expect((await configured({ test: { availability: '2m' } }, env)).availabilityMs).toBe(250)
  await expect(configured({}, { ...URLS, HOLDFAST_AVAILABILITY: '30' })).rejects.toThrow(/did you mean 30s/i)
})

test('the variables of the options count without a command line, too', async () => {
  const env = {
    ...{ HOLDFAST_SERVICE: 'redis', HOLDFAST_NEEDS: 'streams', HOLDFAST_ALLOW_SKIP: 'yes' },
    ...{ HOLDFAST_TIMEOUT: '3s', HOLDFAST_ATTEMPT_TIMEOUT: '2s', HOLDFAST_ALLOW_STAND_IN: '0' },
  }
  const plan = await configured({ targets: { db: URLS.DATABASE_URL }, test: { allowStandIn: true } }, env)
  expect(plan).toMatchObject({ timeoutMs: 3000, attemptTimeoutMs: 2000 })
  expect(plan.needs).toMatchObject([
    { name: 'db', usual: { allowSkip: true, allowStandIn: false, needs: [] } },
    { name: 'redis', usual: { allowSkip: true, needs: ['streams'] } },
  ])
  await expect(configured({}, { HOLDFAST_ALLOW_SKIP: 'maybe' })).rejects.toThrow(
    /HOLDFAST_ALLOW_SKIP: "maybe"/,
  )
})

test('in CI an unset variable is an error unless a stand-in may take its place, which its section may say', async () => {
  const targets = { db: 'env:DATABASE_URL' }
  const env = { CI: 'true' }
  await expect(configured({ targets }, env)).rejects.toThrow(/DATABASE_URL is not set/)
  const allowed = { targets, test: { service: { postgres: { allowStandIn: true } } } }
  expect((await configured(allowed, env)).needs).toMatchObject([{ name: 'db', aim: undefined }])
})

test('a service that is required is asked for although nothing configures it', async () => {
  const names = async (config: Config, more: Record<string, string> = {}, targets?: string[]) =>
    (
      await planTests({ configFile: file(config), ...(targets ? { targets } : {}) }, { ...URLS, ...more })
    ).needs.map(one => one.name)
  expect(await names({}, { HOLDFAST_REQUIRE: 'kafka,postgres,all' })).toEqual(['postgres', 'kafka'])
  const test = { service: { redis: { require: true } } }
  expect(await names({ test })).toEqual(['postgres', 'redis'])
  expect(await names({ test }, {}, ['postgres://db/app'])).toEqual(['postgres'])
  await expect(names({}, { HOLDFAST_REQUIRE: ' , ' })).rejects.toThrow(
    /HOLDFAST_REQUIRE: " , " names nothing/,
  )
})
