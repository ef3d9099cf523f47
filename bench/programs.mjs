import { spawn, spawnSync } from 'node:child_process'
import process from 'node:process'

const { execPath } = process

/** What others use to wait for a port, each in its documented form. Seconds are the limit of the wait. */
export function programs({ cli, peers }, { host, port, url }, seconds) {
  const until = (test, every) => [
    'timeout',
    `${seconds}`,
    'bash',
    '-c',
    `until ${test}; do sleep ${every}; done`,
  ]
  return {
    'holdfast wait postgres://': [execPath, cli, 'wait', url, '-q', '--timeout', `${seconds}s`],
    'holdfast wait tcp://': [
      execPath,
      cli,
      'wait',
      `tcp://${host}:${port}`,
      '-q',
      '--timeout',
      `${seconds}s`,
    ],
    'wait-on': [
      execPath,
      `${peers}/node_modules/wait-on/bin/wait-on`,
      '-t',
      `${seconds * 1000}`,
      `tcp:${host}:${port}`,
    ],
    'wait-port': [
      execPath,
      `${peers}/node_modules/wait-port/bin/wait-port.js`,
      '-o',
      'silent',
      '-t',
      `${seconds * 1000}`,
      `${host}:${port}`,
    ],
    'pg_isready loop, 1 s': until(`pg_isready -q -h ${host} -p ${port}`, 1),
    'wait-for-it style loop, 1 s': until(`(echo > /dev/tcp/${host}/${port}) 2>/dev/null`, 1),
  }
}

/** Runs a command to its end; resolves with the wall clock's time of its exit and its status. */
export function run([file, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'ignore' })
    child.once('error', reject)
    child.once('exit', status => resolve({ status, at: performance.timeOrigin + performance.now() }))
  })
}

/** Milliseconds from start to exit. */
export function duration([file, ...args]) {
  const begun = process.hrtime.bigint()
  const { error } = spawnSync(file, args, { stdio: 'ignore' })
  if (error) throw error
  return Number(process.hrtime.bigint() - begun) / 1e6
}

/** Milliseconds of processor time of a command and its children, as the shell's `times` gives them. */
export function processorTime(command) {
  const { stdout } = spawnSync('bash', ['-c', '"$@" >/dev/null 2>&1; times', 'bash', ...command], {
    encoding: 'utf8',
  })
  const [user = 0, system = 0] = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => (Number(minutes) * 60 + Number(rest)) * 1000,
  )
  return user + system
}

export const sorted = list => [...list].sort((a, b) => a - b)
export const quantile = (list, q) => {
  const order = sorted(list)
  return order[Math.min(order.length - 1, Math.floor(order.length * q))]
}
export const median = list => quantile(list, 0.5)
