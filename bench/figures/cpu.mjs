// Processor time of a wait while a port refuses for ten seconds. Goal: 300 ms.
import { spawnSync } from 'node:child_process'

const cli = process.argv[2]
const script = `"$0" "$1" wait tcp://127.0.0.1:1 --timeout 10s -q >/dev/null 2>&1; times`
const { stdout } = spawnSync('sh', ['-c', script, process.execPath, cli], { encoding: 'utf8' })
// The second line of `times` is about the children: 0m0.210s 0m0.060s
const [user = 0, system = 0] = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
  ([, minutes, seconds]) => (Number(minutes) * 60 + Number(seconds)) * 1000,
)
console.log(
  `\nProcessor time while a port refuses for 10 s: ${Math.round(user + system)} ms (user ${Math.round(user)}, system ${Math.round(system)})`,
)
