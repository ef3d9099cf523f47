/**
 * An address on this machine that never answers a SYN, as behind a firewall that drops.
 *
 * A listening socket whose accept queue is full makes Linux drop further SYNs silently (unless
 * net.ipv4.tcp_abort_on_overflow is set). Node accepts whatever comes, so the socket belongs to a small Perl
 * process: it listens with a backlog of 0, which has room for one connection, connects to itself, and never
 * accepts. A client's connect then hangs until its own deadline.
 */
import { startServer } from './process.js'
import { freePort } from './root.js'

const PERL = `
use Socket qw(:DEFAULT getaddrinfo IPPROTO_TCP);
use Fcntl;
my ($host, $port) = @ARGV;
my ($error, $it) = getaddrinfo($host, $port, { socktype => SOCK_STREAM, protocol => IPPROTO_TCP });
die $error if $error;
socket(my $server, $it->{family}, SOCK_STREAM, 0) or die "socket: $!";
bind($server, $it->{addr}) or die "bind: $!";
listen($server, 0) or die "listen: $!";
my @clients;
for my $n (1 .. 4) {
  socket(my $client, $it->{family}, SOCK_STREAM, 0) or die "socket: $!";
  fcntl($client, F_SETFL, O_NONBLOCK) if $n > 1;
  connect($client, $it->{addr});
  push @clients, $client;
}
$| = 1;
print "the queue is full\\n";
sleep while 1;
`

export interface Blackhole {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

export async function startBlackhole(options: { host?: string; port?: number } = {}): Promise<Blackhole> {
  const { host = '127.0.0.1' } = options
  const port = options.port ?? (await freePort())
  const server = await startServer({
    name: `black hole on port ${port}`,
    command: 'perl',
    args: ['-e', PERL, host, String(port)],
    ready: /the queue is full/,
  })
  return { host, port, close: () => server.kill() }
}
