import { join } from 'node:path'
import { type OwnedServer, startServer } from '../owned/server.js'
import type { ClusterOptions } from './cluster.js'

const SETTINGS = {
  // A stand-in need not survive a crash of the machine.
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  listen_addresses: '127.0.0.1',
  max_connections: '100',
  // Logical slots work; without them a suite for change capture would have no stand-in.
  wal_level: 'logical',
  // Inside the cluster's directory: nothing else to clean up, and no limit of 64 MB in containers.
  dynamic_shared_memory_type: 'mmap',
  password_encryption: 'scram-sha-256',
  // 1 MB segments: frequent checkpoints are intended.
  checkpoint_warning: '0',
  cluster_name: 'holdfast',
}

export interface PostmasterOptions extends ClusterOptions {
  /** Holds the socket and the log. */
  readonly dir: string
  readonly nextPort: () => number
}

/** Starts the server on the first port that nobody else has, and resolves once it accepts connections. */
export function startPostmaster({ binaries, data, dir, ...rest }: PostmasterOptions): Promise<OwnedServer> {
  return startServer({
    ...rest,
    dir,
    product: 'PostgreSQL',
    kind: 'postgres',
    // Fast shutdown: sessions are ended.
    stopSignal: 'SIGINT',
    ready: /database system is ready to accept connections/,
    command(port) {
      const settings = { ...SETTINGS, port, unix_socket_directories: dir }
      const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      return [join(binaries.bin, 'postgres'), '-D', data, ...args]
    },
  })
}
