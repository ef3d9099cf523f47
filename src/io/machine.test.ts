import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ciOf, containerOf, namesOf } from './machine.js'

const made: string[] = []
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true })
})

function root(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'machine-'))
  made.push(folder)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

describe('a container is known by', () => {
  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['/.dockerenv', { '.dockerenv': '' }, {}, 'docker'],
    ['/run/.containerenv', { 'run/.containerenv': '', '.dockerenv': '' }, {}, 'podman'],
    ['KUBERNETES_SERVICE_HOST', { '.dockerenv': '' }, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, 'kubernetes'],
    [
      '/var/run/secrets/kubernetes.io/serviceaccount',
      { 'var/run/secrets/kubernetes.io/serviceaccount/token': '' },
      {},
      'kubernetes',
    ],
    ['container=lxc', {}, { container: 'lxc' }, 'container'],
    ['/proc/1/cgroup (kubepods)', { 'proc/1/cgroup': '1:cpu:/kubepods/burstable/docker' }, {}, 'kubernetes'],
    ['/proc/1/cgroup (docker)', { 'proc/1/cgroup': '1:cpu:/docker/abc' }, {}, 'docker'],
  ])('%s', (by, files, env, kind) => expect(containerOf(env, root(files))).toEqual({ kind, by }))

  test('nothing outside of one', () => {
    expect(containerOf({}, root({ 'proc/1/cgroup': '0::/init.scope\n' }))).toBeUndefined()
  })
})

test.each([
  [{ CI: 'true', GITHUB_ACTIONS: 'true' }, 'GitHub Actions'],
  [{ CI: 'true' }, 'CI'],
  [{ CI: 'false' }, undefined],
  [{}, undefined],
])('of %j the build server is %s', (env, name) => expect(ciOf(env)).toBe(name))

test('a machine without any of the files has what the C library takes for granted', () => {
  expect(namesOf(root({}))).toEqual({
    hosts: [],
    resolver: { nameservers: ['127.0.0.1'], search: [], ndots: 1 },
    order: ['files', 'dns'],
    gateways: [],
  })
})
