/**
 * What scripts/containers.mjs starts in namespaces of its own: makes the images with the machine's network, then plays
 * the scenes on a network that ends with them. INSIDE FOLDER CACHE ONLY
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { must, mustPodman, run } from './podman.mjs'
import { baseImage } from './recipe.mjs'
import { BASE, SHOP } from './world.mjs'

const ROOM = 6 * 1024 ** 3
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'
const path = relative => fileURLToPath(new URL(relative, import.meta.url))
const [folder, cache, only] = process.argv.slice(2)

/** Locks, names of networks, states of containers: none of another podman's on this machine. */
async function mounts() {
  // podman cannot use a hierarchy of cgroups that is mounted twice.
  await run(['umount', '/sys/fs/cgroup/unified'])
  // In memory where there is room: making and removing the images is mostly writing.
  const own = [
    '/dev/shm',
    '/run/netns',
    '/run/crun',
    '/run/libpod',
    '/run/containers',
    ...(freemem() > ROOM ? [folder] : []),
  ]
  for (const one of own) {
    mkdirSync(one, { recursive: true })
    await must(['mount', '-t', 'tmpfs', 'tmpfs', one])
  }
}

function configure() {
  const common = readFileSync(path('files/containers.conf'), 'utf8')
  const own = `tmp_dir="${folder}/tmp"\n[network]\nnetwork_config_dir="${folder}/networks"\n`
  process.env.CONTAINERS_CONF = join(folder, 'containers.conf')
  writeFileSync(process.env.CONTAINERS_CONF, common + own)
  process.env.CONTAINERS_STORAGE_CONF = join(folder, 'storage.conf')
  const storage = `driver="overlay"\ngraphroot="${folder}/store"\nrunroot="${folder}/run"\n`
  writeFileSync(process.env.CONTAINERS_STORAGE_CONF, `[storage]\n${storage}`)
}

/** The package as it would be published: vendor/holdfast.tgz. */
async function pack(vendor) {
  mkdirSync(vendor)
  const options = { cwd: path('../..') }
  await must([process.execPath, 'scripts/build.mjs', '--no-types'], options)
  const packed = await must(
    ['npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', vendor],
    options,
  )
  const told = JSON.parse(packed.replace(/^[^[{]*/, ''))
  const { filename } = Array.isArray(told) ? told[0] : told.holdfast
  cpSync(join(vendor, filename), join(vendor, 'holdfast.tgz'))
}

/** `podman build` as `docker build` would do it, with the machine's registry and certificates. */
async function build(vendor) {
  const context = join(folder, 'context')
  const filter = source => !source.includes('node_modules')
  cpSync(path('../../examples/shop'), context, { recursive: true, filter })
  const registry = await must(['npm', 'config', 'get', 'registry'])
  writeFileSync(
    join(vendor, 'npmrc'),
    `registry=${registry}\ncafile=${CERTIFICATES}\nfund=false\naudit=false\n`,
  )
  const volumes = [
    `${vendor}:/vendor:ro`,
    `${vendor}/npmrc:/root/.npmrc:ro`,
    `${CERTIFICATES}:${CERTIFICATES}:ro`,
  ].flatMap(volume => ['--volume', volume])
  const args = [`BASE=${BASE}`, 'HOLDFAST=/vendor/holdfast.tgz'].flatMap(arg => ['--build-arg', arg])
  const options = ['--format', 'docker', '--network', 'host', '--pull-never', ...volumes, ...args]
  await mustPodman(['build', ...options, '--tag', SHOP, context], { limitMs: 300_000 })
}

/** Says how long a step took. */
async function step(name, work) {
  const start = performance.now()
  const result = await work()
  console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
  return result
}

const vendor = join(folder, 'vendor')
try {
  await mounts()
  configure()
  const [base] = await step('base image and package', () =>
    Promise.all([baseImage(cache, folder), pack(vendor)]),
  )
  await step('import', () => mustPodman(['import', '--quiet', base, BASE], { limitMs: 300_000 }))
  await step('shop image', () => build(vendor))
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
const { spawnSync } = await import('node:child_process')
const scenes = ['--net', process.execPath, path('play.mjs'), folder, only]
process.exitCode =
  spawnSync('unshare', scenes, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0 ? 0 : 1
