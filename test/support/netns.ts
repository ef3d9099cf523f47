/**
 * Runs a command with a network and name files of its own: `unshare -m`, and `-n` unless it shall see the
 * machine's network. Servers on this machine's ports are out of its reach; Unix sockets are not.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempFolder } from './root.js'
import { type RunOptions, type RunResult, run } from './run.js'

export interface NetnsOptions extends RunOptions {
  /** The content of /etc/hosts; default `TWO_LOCALHOSTS`. */
  hosts?: string
  /**
   * Who answers on 127.0.0.1:53, the only resolver there is. `refuses` (default): nobody, so a query gets an
   * ICMP error and a name EAI_AGAIN at once; `silent`: a socket that never answers.
   */
  resolver?: 'refuses' | 'silent'
  /** `host` keeps the machine's network, and with it whatever resolver it has on 127.0.0.1. */
  network?: 'private' | 'host'
  /** Shell lines, run inside before the command. */
  setup?: readonly string[]
}

/** `localhost` is two addresses, and the first is the one of IPv6. */
export const TWO_LOCALHOSTS = '::1 localhost\n127.0.0.1 localhost\n'

/** Addresses that a private network has: SYNs vanish, are EHOSTUNREACH, are EACCES. All others ENETUNREACH. */
export const NETNS = { blackhole: '10.99.0.2', unreachable: '10.98.0.1', prohibited: '10.97.0.1' }

// One end of a cable, whose other end is nobody's: a fixed hardware address keeps the kernel from asking who
// has the addresses behind it, and what is sent there is dropped.
const PRIVATE = `
ip link set lo up
ip link add dead0 type veth peer name dead1
ip address add 10.99.0.1/24 dev dead0
ip link set dead0 up
ip link set dead1 up
ip neighbour add ${NETNS.blackhole} lladdr 02:00:00:00:00:02 dev dead0 nud permanent
ip route add unreachable 10.98.0.0/24
ip route add prohibit 10.97.0.0/24
`

// It prints its pid once the port is bound, and lets go of the shell's output.
const SILENT = `
resolver=$(perl -MSocket -e '
  socket(my $s, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
  bind($s, sockaddr_in(53, INADDR_LOOPBACK)) or die "bind: $!";
  my $pid = fork;
  if (!$pid) { close STDOUT; close STDERR; sleep while 1 }
  print $pid;
')
`

export interface NetnsRun {
  readonly result: Promise<RunResult>
  /** Adds a line to its /etc/hosts while it runs: a name that appears late. */
  addHost(line: string): void
}

/** Starts `command` (program and arguments); `status` is 128+N when signal N ended it. */
export function startInNetns(command: readonly string[], options: NetnsOptions = {}): NetnsRun {
  const { hosts = TWO_LOCALHOSTS, resolver = 'refuses', network = 'private', setup = [], ...rest } = options
  const folder = tempFolder('netns')
  const files: Record<string, string> = {
    hosts,
    'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:5 attempts:2\n',
    'nsswitch.conf': 'hosts: files dns\n',
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const mounts = Object.keys(files).filter(name => existsSync(join('/etc', name)))
  const script = [
    'set -e',
    ...mounts.map(name => `mount --bind "${folder}/${name}" /etc/${name}`),
    ...(network === 'private' ? [PRIVATE] : []),
    ...(resolver === 'silent' ? [SILENT] : []),
    ...setup,
    'set +e',
    '"$@"',
    'status=$?',
    'test -z "$resolver" || kill "$resolver"',
    'exit $status',
  ].join('\n')
  const asRoot = process.getuid?.() === 0 ? [] : ['-r']
  const spaces = network === 'private' ? ['-m', '-n'] : ['-m']
  const result = run('unshare', [...asRoot, ...spaces, 'sh', '-c', script, 'netns', ...command], rest)
  return { result, addHost: line => appendFileSync(join(folder, 'hosts'), `${line}\n`) }
}

export function runInNetns(command: readonly string[], options?: NetnsOptions): Promise<RunResult> {
  return startInNetns(command, options).result
}
