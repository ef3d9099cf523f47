/** The base image: Debian with PostgreSQL, Redis, Python's clients for both, and the Node that runs this. */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { must } from './podman.mjs'

const SUITE = 'bookworm'
const MIRROR = process.env.HOLDFAST_DEBIAN_MIRROR || 'http://deb.debian.org/debian'
const PACKAGES = ['postgresql', 'redis-server', 'python3-psycopg', 'python3-redis', 'python3-pytest']

/** What no scene reads, and every run would import: a third of the image. */
const LEFT_OUT = [
  '/usr/lib/x86_64-linux-gnu/libLLVM*',
  '/usr/share/doc/*',
  '/usr/share/man/*',
  '/usr/share/locale/*',
]

/** Nothing that a package brings is started, and PostgreSQL makes no cluster of its own. */
const INSTALL = `
printf '#!/bin/sh\\nexit 101\\n' >usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
mkdir -p etc/postgresql-common
echo 'create_main_cluster = false' >etc/postgresql-common/createcluster.conf
printf 'force-unsafe-io\\n' >etc/dpkg/dpkg.cfg.d/lean
printf 'path-exclude=%s\\n' ${LEFT_OUT.map(path => `'${path}'`).join(' ')} >>etc/dpkg/dpkg.cfg.d/lean
cp /etc/resolv.conf etc/resolv.conf
exec chroot . env DEBIAN_FRONTEND=noninteractive LC_ALL=C sh -ec '
  apt-get install -y --no-install-recommends "$@"
  useradd --uid 1000 --create-home node
  apt-get clean
  rm -rf /var/lib/apt/lists/*' sh "$@"
`

/** The name changes with whatever the image is made of. */
const fileName = () => {
  const parts = [SUITE, MIRROR, PACKAGES, INSTALL, process.version, process.arch]
  return `base-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}.tar`
}

/** The image's file below `cache`, made now unless it is there. `scratch` takes what is in between. */
export async function baseImage(cache, scratch) {
  const file = join(cache, fileName())
  if (existsSync(file)) return file
  const tree = join(scratch, 'base')
  await must(['debootstrap', '--variant=minbase', SUITE, tree, MIRROR], { limitMs: 600_000 })
  // A process that a package starts all the same ends with the namespace.
  const apart = ['unshare', '--mount', '--pid', '--fork', '--kill-child']
  await must([...apart, 'sh', '-ec', INSTALL, 'sh', ...PACKAGES], { cwd: tree, limitMs: 600_000 })
  const local = join(tree, 'usr/local')
  cpSync(process.execPath, join(local, 'bin/node'))
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true })
  const npm = join(dirname(process.execPath), '../lib/node_modules/npm')
  cpSync(npm, join(local, 'lib/node_modules/npm'), { recursive: true })
  writeFileSync(
    join(local, 'bin/npm'),
    '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n',
    { mode: 0o755 },
  )
  await must(['tar', '-C', tree, '-cf', `${file}.part`, '.'], { limitMs: 300_000 })
  renameSync(`${file}.part`, file)
  rmSync(tree, { recursive: true, force: true })
  return file
}
