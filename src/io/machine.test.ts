import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { containerOf, listeningPorts, namesOf } from './machine.js'

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

test('a machine without any of the files has what the C library takes for granted', () => {
  expect(namesOf(root({}))).toEqual({
    hosts: [],
    resolver: { nameservers: ['127.0.0.1'], search: [], ndots: 1 },
    order: ['files', 'dns'],
    gateways: [],
  })
})

test('the ports on which something listens are those of the kernel, each once', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue\n'
  const tcp = `${head}   0: 0100007F:E057 00000000:0000 0A 00000000:00000000\n   1: 0100007F:1538 0100007F:D431 01 00000000:00000000\n`
  const zeros = '0'.repeat(32)
  const tcp6 = `${head}   0: ${zeros}:E057 ${zeros}:0000 0A 00000000:00000000\n   1: ${zeros}:0016 ${zeros}:0000 0A 0\n`
  expect(listeningPorts(root({ 'proc/net/tcp': tcp, 'proc/net/tcp6': tcp6 }))).toEqual([57431, 22])
  expect(listeningPorts(root({}))).toEqual([])
})
