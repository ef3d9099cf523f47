import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { emptied, makeFromArchive } from '../owned/archive.js'
import { giveFile } from '../owned/directories.js'
import { findProgram } from '../owned/find.js'
import { type Frame, startInFrame } from '../owned/frame.js'
import { runProgram, tail } from '../owned/program.js'
import { startServer } from '../owned/server.js'
import { serverUser } from '../owned/user.js'
import type { StandIn, StandInOptions } from '../stand-in.js'

/** What keeps a data directory small; a server has to be told what it was made with. */
const SMALL = [
  ...['--innodb-log-file-size=8M', '--innodb-data-file-path=ibdata1:8M:autoextend'],
  ...['--innodb-temp-data-file-path=ibtmp1:2M:autoextend', '--innodb-undo-tablespaces=0'],
]

/** A stand-in need not survive a crash of the machine. */
const QUICK = [
  ...['--innodb-flush-log-at-trx-commit=0', '--skip-innodb-doublewrite', '--innodb-use-native-aio=0'],
  ...['--innodb-buffer-pool-size=32M', '--innodb-fast-shutdown=2', '--sync-binlog=0'],
  ...['--skip-name-resolve', '--character-set-server=utf8mb4', '--max-connections=100', '--skip-ssl'],
]

const INSTALL = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']

/**
 * Starts the system's MariaDB: on 127.0.0.1 with a random port and password, account and database `holdfast`, the
 * account with every right; gone after `close`. 0.3 s once the cache holds a data directory; 1 s the first time.
 *
 * @throws HoldfastError where there is none, or it does not start (with the end of its log); the signal's reason.
 */
export async function startOwnedMariadb(options: StandInOptions): Promise<StandIn> {
  const user = serverUser()
  return startInFrame(options, { product: 'MariaDB', short: 'sql', user }, async frame => {
    const { env, signal, reaper, nextPort, password } = frame
    const mariadbd = findProgram(env, ['mariadbd'], 'HOLDFAST_MARIADB_BIN')
    const said = await runProgram(mariadbd, ['--no-defaults', '--version'], { signal, user })
    // mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)
    const version = /Ver (\d[\d.]*)-MariaDB/.exec(said.stdout)?.[1]
    if (!version) throw new HoldfastError('config', `${mariadbd}: ${tail(said.stderr || said.stdout, 2)}`)
    const dir = frame.makeDirectory()
    const data = join(dir, 'data')
    await makeData(frame, { mariadbd, version, data })
    const accounts = join(dir, 'accounts.sql')
    giveFile(accounts, accountsFor(password), user)
    const server = await startServer({
      ...{ product: 'MariaDB', user, dir, nextPort, signal, reaper },
      kind: 'tree',
      stopSignal: 'SIGTERM',
      ready: /ready for connections/,
      command: port => [
        ...([mariadbd, '--no-defaults', `--datadir=${data}`, `--socket=${join(dir, 'socket')}`] as const),
        ...[`--pid-file=${join(dir, 'pid')}`, `--tmpdir=${dir}`, `--init-file=${accounts}`],
        ...['--bind-address=127.0.0.1', `--port=${port}`, ...SMALL, ...QUICK],
      ],
    })
    frame.owns(server)
    return {
      ...{ service: 'mysql', name: 'system-mariadb', version },
      label: `MariaDB ${version} (system binaries)`,
      url: `mysql://holdfast:${password}@127.0.0.1:${server.port}/holdfast`,
    }
  })
}

interface Made {
  readonly mariadbd: string
  readonly version: string
  readonly data: string
}

async function makeData(frame: Frame, { mariadbd, version, data }: Made): Promise<void> {
  const { cache, env, user, signal, reaper } = frame
  // Two builds of one version may differ.
  const parts = JSON.stringify([SMALL, INSTALL, mariadbd, process.platform, process.arch])
  const hash = createHash('sha256').update(parts).digest('hex').slice(0, 12)
  const options = { archive: join(cache, `mariadb-${version}-${hash}.tar`), data, proof: 'mysql/db.frm' }
  await makeFromArchive({ ...options, user, signal, reaper }, async () => {
    const install = findProgram(env, ['mariadb-install-db'])
    const args = ['--no-defaults', `--datadir=${data}`, ...INSTALL, ...SMALL]
    const { status, stdout, stderr } = await runProgram(install, args, { user, signal, reaper })
    if (status === 0) return
    await emptied({ data, user })
    throw new HoldfastError('config', `mariadb-install-db failed. It said:\n${tail(stderr || stdout)}`)
  })
}

/** One statement a line. Nobody else gets in: a new data directory lets root in without a password. */
const accountsFor = (password: string) => `DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';
FLUSH PRIVILEGES;
CREATE USER holdfast@'%' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO holdfast@'%' WITH GRANT OPTION;
CREATE DATABASE holdfast;
`
