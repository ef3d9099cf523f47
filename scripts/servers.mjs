/**
 * Checks that the servers and tools that the tests start are on this machine.
 *
 *   node scripts/servers.mjs             says what is missing and how to get it; exit 1
 *   node scripts/servers.mjs --install   installs it (also with CI=true or HOLDFAST_INSTALL=1)
 *
 * Only Debian and its relatives can install by themselves; elsewhere the list of programs is the help.
 * The tests start their own servers on private ports, so nothing that a package brings is left running.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'

/** Where Debian's Python finds the modules of Debian's packages. */
const PYTHON = '/usr/lib/python3/dist-packages'

/**
 * One row a package: the programs that tests run from it, or the files that they read. A program is looked up on
 * PATH and in the usual system folders; with a `/` it is a path, where `*` stands for one path segment.
 */
const PACKAGES = [
  // The metapackage, so that a newer distribution brings its own major version.
  {
    package: 'postgresql',
    programs: ['/usr/lib/postgresql/*/bin/initdb', '/usr/lib/postgresql/*/bin/postgres'],
  },
  { package: 'postgresql-client', programs: ['/usr/lib/postgresql/*/bin/psql'] },
  { package: 'redis-server', programs: ['redis-server'] },
  { package: 'redis-tools', programs: ['redis-cli'] },
  { package: 'mariadb-server', programs: ['mariadbd', 'mariadb-install-db'] },
  { package: 'pgbouncer', programs: ['pgbouncer'] },
  { package: 'clickhouse-server', programs: ['clickhouse-server'] },
  { package: 'rabbitmq-server', programs: ['/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server', 'erl'] },
  { package: 'nats-server', programs: ['nats-server'] },
  { package: 'memcached', programs: ['memcached'] },
  { package: 'sasl2-bin', programs: ['saslpasswd2'] },
  { package: 'mosquitto', programs: ['mosquitto', 'mosquitto_passwd'] },
  { package: 'kcat', programs: ['kcat'] },
  { package: 'openssl', programs: ['openssl'] },
  { package: 'iproute2', programs: ['ip'] },
  { package: 'util-linux', programs: ['unshare', 'setpriv', 'nsenter', 'ipcrm'] },
  { package: 'bsdutils', programs: ['script'] },
  { package: 'procps', programs: ['ps'] },
  { package: 'dash', programs: ['dash'] },
  { package: 'busybox', programs: ['busybox'] },
  { package: 'perl-base', programs: ['perl'] },
  { package: 'jq', programs: ['jq'] },
  // For the examples in Python: only /usr/bin/python3 sees what Debian packages.
  { package: 'python3-minimal', programs: ['/usr/bin/python3'] },
  { package: 'python3-pytest', files: [`${PYTHON}/pytest/__init__.py`] },
  { package: 'python3-psycopg', files: [`${PYTHON}/psycopg/__init__.py`] },
  { package: 'python3-redis', files: [`${PYTHON}/redis/__init__.py`] },
]

const FOLDERS = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
]

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function expand(pattern) {
  const star = pattern.indexOf('*')
  if (star < 0) return [pattern]
  const folder = pattern.slice(0, star)
  try {
    return readdirSync(folder).map(name => folder + name + pattern.slice(star + 1))
  } catch {
    return []
  }
}

const isThere = program =>
  program.includes('/')
    ? expand(program).some(isExecutable)
    : FOLDERS.some(folder => isExecutable(join(folder, program)))

function missing() {
  return PACKAGES.map(({ package: name, programs = [], files = [] }) => ({
    package: name,
    lacks: [...programs.filter(program => !isThere(program)), ...files.filter(file => !existsSync(file))],
  })).filter(row => row.lacks.length > 0)
}

/**
 * The install as one shell script, so that it needs one `sudo`. A package starts its service after
 * installation unless /usr/sbin/policy-rc.d refuses; a refusal that is already there is left alone.
 */
const INSTALL = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends "$@"
`

function install(packages) {
  const shell = ['sh', '-c', INSTALL, 'servers', ...packages]
  const [command, ...args] = process.getuid?.() === 0 ? shell : ['sudo', '-n', ...shell]
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] })
  if (error) console.error(`${command}: ${error.message}`)
  return status === 0
}

const wanted = missing()
if (wanted.length > 0) {
  const packages = wanted.map(row => row.package)
  const allowed =
    process.argv.includes('--install') || process.env.CI === 'true' || process.env.HOLDFAST_INSTALL === '1'
  if (allowed) install(packages)
  const still = missing()
  if (still.length > 0) {
    for (const row of still) console.error(`missing: ${row.lacks.join(', ')} (package ${row.package})`)
    const command = `apt-get install -y --no-install-recommends ${still.map(row => row.package).join(' ')}`
    console.error(
      `The tests start these servers. Install them with\n  ${command}\nor run\n  node scripts/servers.mjs --install`,
    )
    process.exitCode = 1
  }
}
