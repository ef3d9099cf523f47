/** One name, two addresses, one of them of no use. The gate, the server and the first connection share a network. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { holdfastCommand } from '../support/cli.js'
import { NETNS, runInNetns } from '../support/netns.js'
import { freePort, tempFolder } from '../support/root.js'
import { type Race, redisReadyAt, released } from './race.js'

/** Accepts, reads what comes first, closes. */
const CLOSES = `
use Socket qw(:DEFAULT getaddrinfo);
my ($error, $it) = getaddrinfo($ARGV[0], $ARGV[1], { socktype => SOCK_STREAM });
socket(my $server, $it->{family}, SOCK_STREAM, 0) or die;
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
bind($server, $it->{addr}) or die "bind: $!";
listen($server, 16) or die;
while (accept(my $client, $server)) { sysread($client, my $some, 64); close $client }
`

type Useless = 'refuses' | 'accepts and closes' | 'drops'

const OTHER = { '::1': '127.0.0.1', '127.0.0.1': '::1' } as const

export const twoAddresses: Race = {
  name: 'two addresses, one of no use',
  since: "the server's log",
  async run({ random }) {
    const alive = random.pick<'::1' | '127.0.0.1'>(['::1', '127.0.0.1'])
    const useless = random.pick<Useless>(['refuses', 'accepts and closes', 'drops'])
    const dead = useless === 'drops' ? NETNS.blackhole : OTHER[alive]
    const addresses = random.pick([
      [dead, alive],
      [alive, dead],
    ])
    const port = await freePort()
    const folder = tempFolder('two')
    const log = join(folder, 'log')
    mkdirSync(join(folder, 'data'))
    const redis = `redis-server --bind ${alive} --port ${port} --save '' --dir ${folder}/data --logfile ${log}`
    const setup = [
      ...(useless === 'accepts and closes' ? [`perl -e '${CLOSES}' ${dead} ${port} & peer=$!`] : []),
      `{ sleep ${random.between(0, 600) / 1000}; exec ${redis}; } & server=$!`,
      "trap 'kill $server $peer' EXIT",
    ]
    // The program's first connection goes to the address that works; that the other one does not is said.
    const program = `date +%s%3N; redis-cli -h ${alive} -p ${port} ping`
    const url = `redis://localhost:${port}`
    const { command, env, cwd } = holdfastCommand([
      'wait',
      url,
      '--timeout',
      '10s',
      '--',
      'sh',
      '-c',
      program,
    ])
    const hosts = addresses.map(address => `${address} localhost\n`).join('')
    const { status, stdout, stderr } = await runInNetns(command, { hosts, setup, env, cwd })
    const [at, pong] = stdout.trim().split('\n')
    // One that accepts is found to be of no use only where it is tried first, and the resolver decides that.
    const seen = useless !== 'accepts and closes'
    const named = new RegExp(`ready, but ${dead.replaceAll('.', '\\.')} `).test(stderr)
    return released(
      {
        status,
        begun: 0,
        at: Number(at),
        failure: pong === 'PONG' ? undefined : `redis-cli said ${pong}`,
        said: `${dead} ${useless}, ${alive} serves\n${stderr}`,
        stdout,
      },
      redisReadyAt(readFileSync(log, 'utf8')),
      named || !seen ? undefined : `${dead} was not named`,
    )
  },
}
