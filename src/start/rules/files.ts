import { redactAddress, redactPath } from '../../core/redact.js'
import type { Target } from '../../core/target.js'
import type { Flaw, Rule } from '../rule.js'
import type { Checked, CheckedTarget } from '../subject.js'

const CERTIFICATE = '/etc/ssl/app.pem'
const KEY = '/etc/ssl/app.key'
const ADDRESS = `postgres://app@localhost/app?sslmode=verify-full&sslcert=${CERTIFICATE}&sslkey=${KEY}`

function filesOf({ tls }: Target): (readonly [parameter: string, path: string])[] {
  const named = [
    ['sslrootcert', tls.ca],
    ['sslcert', tls.cert],
    ['sslkey', tls.key],
  ] as const
  return named.flatMap(([name, path]) => (path && path !== 'system' ? [[name, path] as const] : []))
}

/** Each file once, however many targets name it. */
function* everyFile({ targets }: Checked): Iterable<{ one: CheckedTarget; parameter: string; path: string }> {
  const seen = new Set<string>()
  for (const one of targets) {
    for (const [parameter, path] of filesOf(one.target)) {
      const key = `${parameter} ${path}`
      if (!seen.has(key)) yield { one, parameter, path }
      seen.add(key)
    }
  }
}

/** Words of the shell that no folder on PATH has. Source: POSIX, 2.14 and 2.9. */
const BUILT_IN = new Set(
  '. : [ alias bg break case cd command continue eval exec exit export false fg for if read return set shift test times trap true type ulimit umask unset until wait while { ( !'.split(
    ' ',
  ),
)

/** The program of a command line, where it can be told without running it. */
export function programOf(command: string): string | undefined {
  const [, word = ''] = /^\s*(?:[A-Za-z_]\w*=(?:'[^']*'|"[^"]*"|\S*)\s+)*(\S+)/.exec(command) ?? []
  const [, single, double, bare] = /^(?:'([^']+)'|"([^"$`\\]+)"|([\w./+@%:-]+))[;&|]*$/.exec(word) ?? []
  const program = single ?? double ?? bare
  return program && !BUILT_IN.has(program) ? program : undefined
}

function* commandsOf({ config, targets, placeOf }: Checked): Iterable<Flaw & { command: string }> {
  const { migrate, smoke } = config.run ?? {}
  if (migrate) yield { message: 'run.migrate', command: migrate, where: placeOf('run', 'migrate') }
  if (smoke) yield { message: 'run.smoke', command: smoke, where: placeOf('run', 'smoke') }
  for (const { target, where } of targets) {
    if (target.service !== 'exec') continue
    yield { message: target.address, command: target.location?.reveal() ?? '', target: target.name, where }
  }
}

export const files: readonly Rule[] = [
  {
    id: 'file-unreadable',
    stage: 'config',
    level: 'error',
    title: 'a certificate or key that an address names is absent or cannot be read',
    why: 'sslrootcert, sslcert and sslkey: the connection fails before a byte is sent.',
    advice: 'Mount the file, correct its path, or let the user of this process read it.',
    bad: {
      env: { DATABASE_URL: 'postgres://app@localhost/app?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem' },
    },
    good: {
      env: { DATABASE_URL: 'postgres://app@localhost/app?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem' },
      files: { '/etc/ssl/ca.pem': {} },
    },
    *check(subject) {
      for (const { one, parameter, path } of everyFile(subject)) {
        const file = subject.machine.file(path)
        const state = !file
          ? 'is not there'
          : file.folder
            ? 'is a folder'
            : file.readable
              ? undefined
              : 'cannot be read by this user'
        if (!state) continue
        yield {
          message: `${parameter}: ${redactPath(path)} ${state}`,
          target: one.target.name,
          where: one.where,
        }
      }
    },
  },
  {
    id: 'key-too-open',
    stage: 'config',
    level: 'error',
    title: 'a private key that others may read',
    why: 'libpq refuses a key with more than 0600, or 0640 where it belongs to root (PostgreSQL manual, 34.19.2). A warning for other services, whose drivers take it.',
    advice: 'Take the permissions of group and others away.',
    bad: { env: { DATABASE_URL: ADDRESS }, files: { [CERTIFICATE]: {}, [KEY]: { mode: 0o644, uid: 1000 } } },
    good: { env: { DATABASE_URL: ADDRESS }, files: { [CERTIFICATE]: {}, [KEY]: { mode: 0o600, uid: 1000 } } },
    *check(subject) {
      for (const { one, parameter, path } of everyFile(subject)) {
        const file = parameter === 'sslkey' ? subject.machine.file(path) : undefined
        if (!file || file.folder || (file.mode & (file.uid === 0 ? 0o037 : 0o077)) === 0) continue
        yield {
          level: one.target.service === 'postgres' ? 'error' : 'warning',
          message: `sslkey: ${redactPath(path)} has the permissions ${file.mode.toString(8).padStart(4, '0')}`,
          fix: `chmod ${file.uid === 0 ? '0640' : '0600'} ${quoted(path)}`,
          target: one.target.name,
          where: one.where,
        }
      }
    },
  },
  {
    id: 'program-missing',
    stage: 'config',
    level: 'warning',
    title: 'a command whose program is not on PATH',
    why: 'run.migrate, run.smoke and exec: targets. Only a warning: the image that runs them may have it.',
    advice: 'Install the program, or correct the command.',
    bad: { config: 'run:\n  migrate: alembik upgrade head\n', programs: ['alembic'] },
    good: { config: 'run:\n  migrate: alembic upgrade head\n', programs: ['alembic'] },
    *check(subject) {
      for (const { command, message, ...rest } of commandsOf(subject)) {
        const program = programOf(command)
        if (!program || subject.machine.finds(program, subject.env.PATH)) continue
        const shown = redactAddress(program)
        yield {
          ...rest,
          message: program.includes('/')
            ? `${message}: ${shown} is not there, or no program`
            : `${message}: no folder of PATH has "${shown}"`,
        }
      }
    },
  },
]

const quoted = (path: string): string =>
  /^[\w./+-]+$/.test(path) ? path : `'${redactPath(path).replaceAll("'", "'\\''")}'`
