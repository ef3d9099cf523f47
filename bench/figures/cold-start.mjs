// What a wait costs when the server is ready already, over a bare start of Node. Interleaved, 40 rounds.
import { spawnSync } from 'node:child_process'

const ROUNDS = 40
const cli = process.argv[2]
const url = process.env.DATABASE_URL
const { hostname, port } = new URL(url)
const commands = {
  'node -e 0': [process.execPath, '-e', '0'],
  'holdfast wait postgres://': [process.execPath, cli, 'wait', url, '-q'],
  'holdfast wait --once, refused': [process.execPath, cli, 'wait', '--once', 'tcp://127.0.0.1:1', '-q'],
  pg_isready: ['pg_isready', '-q', '-h', hostname, '-p', port],
}

const times = Object.fromEntries(Object.keys(commands).map(name => [name, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, [file, ...args]] of Object.entries(commands)) {
    const begun = process.hrtime.bigint()
    const { error } = spawnSync(file, args, { stdio: 'ignore' })
    if (!error) times[name].push(Number(process.hrtime.bigint() - begun) / 1e6)
  }
}

const median = list => list.sort((a, b) => a - b)[list.length >> 1]
const bare = times['node -e 0']
const base = { median: median(bare), least: Math.min(...bare) }
console.log(`\nCold start, Node ${process.version}, ${ROUNDS} rounds, ms`)
console.table(
  Object.fromEntries(
    Object.entries(times)
      .filter(([, list]) => list.length > 0)
      .map(([name, list]) => {
        const [middle, least] = [median(list), Math.min(...list)]
        const over = value => Number(value.toFixed(1))
        return [
          name,
          {
            median: over(middle),
            least: over(least),
            'over node': over(middle - base.median),
            'least over node': over(least - base.least),
            ratio: Number((middle / base.median).toFixed(2)),
          },
        ]
      }),
  ),
)
