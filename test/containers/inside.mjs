/**
 * What runs in namespaces of its own, where containers.mjs starts it: `build` makes the images, with the machine's
 * network; `scenes` plays them on a network that ends with this process, as every container does.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { play } from './play.mjs'
import { must, mustPodman, run } from './podman.mjs'
import { BASE, SHOP } from './world.mjs'

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'
const shop = fileURLToPath(new URL('../../examples/shop', import.meta.url))

/** podman cannot use a hierarchy of cgroups that is mounted twice. */
await run(['umount', '/sys/fs/cgroup/unified'])
// Locks, names of networks, states of containers: not those of another podman on this machine.
for (const folder of ['/dev/shm', '/run/netns', '/run/crun', '/run/libpod']) {
  mkdirSync(folder, { recursive: true })
  await must(['mount', '-t', 'tmpfs', 'tmpfs', folder])
}

async function build(folder, base, packed) {
  await mustPodman(['import', '--quiet', base, BASE], { limitMs: 300_000 })
  const context = join(folder, 'context')
  cpSync(shop, context, { recursive: true, filter: path => !path.includes('node_modules') })
  const vendor = join(folder, 'vendor')
  mkdirSync(vendor)
  cpSync(packed, join(vendor, 'holdfast.tgz'))
  // The machine's registry and certificates, so that a mirror works as it does outside.
  const registry = await must(['npm', 'config', 'get', 'registry'])
  writeFileSync(
    join(vendor, 'npmrc'),
    `registry=${registry}\ncafile=${CERTIFICATES}\nfund=false\naudit=false\n`,
  )
  const volumes = [
    `${vendor}:/vendor:ro`,
    `${join(vendor, 'npmrc')}:/root/.npmrc:ro`,
    `${CERTIFICATES}:${CERTIFICATES}:ro`,
  ].flatMap(volume => ['--volume', volume])
  const args = [`BASE=${BASE}`, 'HOLDFAST=/vendor/holdfast.tgz'].flatMap(arg => ['--build-arg', arg])
  const options = ['--format', 'docker', '--network', 'host', '--pull-never', ...volumes, ...args]
  await mustPodman(['build', ...options, '--tag', SHOP, context], { limitMs: 300_000 })
}

const [phase, folder, ...rest] = process.argv.slice(2)
if (phase === 'build') await build(folder, ...rest)
else {
  await must(['ip', 'link', 'set', 'lo', 'up'])
  process.exitCode = (await play(folder, rest[0] ?? '')) ? 0 : 1
}
