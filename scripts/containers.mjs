/**
 * `npm run containers`: the scenes of test/containers in real containers, with the shop's image and rootful podman.
 * Prints a table; exit 1 when a scene went wrong, 69 where podman cannot run.
 *
 *   --only TEXT   scenes whose name holds it
 *   --cache DIR   keeps the base image there, which takes a minute to make (default HOLDFAST_CONTAINER_CACHE; without
 *                 either it is made anew and removed)
 *   --dry-run     prints what would be done, and checks the files; needs no podman
 *
 * Everything runs in namespaces of its own (mounts, processes, and for the scenes the network): when this ends,
 * however it ends, no container, network or firewall rule is left.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { must } from '../test/containers/podman.mjs'
import { SCENES } from '../test/containers/scenes/all.mjs'
import { seconds } from './run.mjs'

function options() {
  try {
    return parseArgs({
      options: { only: { type: 'string' }, cache: { type: 'string' }, 'dry-run': { type: 'boolean' } },
    }).values
  } catch (error) {
    console.error(error.message)
    process.exit(64)
  }
}

const values = options()
const folderOfTests = new URL('../test/containers/', import.meta.url)

/** Program and Debian package. */
const PROGRAMS = {
  podman: 'podman',
  crun: 'crun',
  buildah: 'buildah',
  debootstrap: 'debootstrap',
  iptables: 'iptables',
  '/usr/lib/podman/netavark': 'netavark',
  '/usr/lib/podman/aardvark-dns': 'aardvark-dns',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  umount: 'mount',
  ip: 'iproute2',
  tar: 'tar',
}

function isThere(program) {
  const folders = program.includes('/')
    ? ['']
    : [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Why podman cannot run here; undefined where it can. */
function obstacle() {
  if (process.platform !== 'linux') return 'containers need Linux'
  if (process.getuid?.() !== 0) return 'rootful podman needs root'
  const lacks = Object.keys(PROGRAMS).filter(program => !isThere(program))
  if (lacks.length === 0) return undefined
  const packages = [...new Set(lacks.map(program => PROGRAMS[program]))].join(' ')
  return `missing: ${lacks.join(', ')}. Install them with\n  apt-get install -y --no-install-recommends ${packages}`
}

/** The plan, and whether every shell script of the scenes can be parsed; the modules have been loaded by now. */
async function dryRun() {
  console.log(
    'base image: debootstrap, apt-get in a chroot, this Node\nshop image: podman build examples/shop\nscenes:',
  )
  for (const { name } of scenes) console.log(`  ${name}`)
  const scripts = readdirSync(new URL('files/', folderOfTests)).filter(name => name.endsWith('.sh'))
  for (const script of scripts)
    await must(['bash', '-n', fileURLToPath(new URL(`files/${script}`, folderOfTests))])
  for (const [name, look] of [
    ['examples/shop/Dockerfile', /^ENTRYPOINT \["holdfast-entrypoint"\]$/m],
    ['test/containers/files/containers.conf', /^\[containers\]$/m],
  ])
    if (!look.test(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')))
      throw new Error(`${name}: no ${look}`)
  const why = obstacle()
  console.log(why ? `it could not run here: ${why}` : 'it could run here')
}

const scenes = SCENES.filter(({ name }) => name.includes(values.only ?? ''))
if (scenes.length === 0) {
  console.error(`no scene is called "${values.only}"`)
  process.exit(64)
}
if (values['dry-run']) {
  await dryRun()
  process.exit()
}
const why = obstacle()
if (why) {
  console.error(why)
  process.exit(69)
}

const began = performance.now()
const folder = mkdtempSync(join(tmpdir(), 'holdfast-containers-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const cache = resolve(values.cache || process.env.HOLDFAST_CONTAINER_CACHE || folder)
mkdirSync(cache, { recursive: true })
const apart = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc']
const inside = [process.execPath, fileURLToPath(new URL('inside.mjs', folderOfTests))]
const command = ['--pdeathsig', 'KILL', 'unshare', ...apart, ...inside, folder, cache, values.only ?? '']
const child = spawn('setpriv', command, { stdio: ['ignore', 'inherit', 'inherit'] })
// The first process of the namespace does not hear them, and takes everything with it when unshare ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill('SIGKILL'))
const [status] = await once(child, 'close')
console.log(`in all ${seconds(performance.now() - began)}`)
process.exitCode = status === 0 ? 0 : 1
