/** An initialised MariaDB data directory that each server gets a copy of. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { APP_PASSWORD } from './postgres-cluster.js'
import { giveToServer, publish, serverUser, tempFolder, testRoot } from './root.js'
import { runOk } from './run.js'

/** The administrator of the harness, over the Unix socket alone. */
export const ADMIN = { name: 'harness', password: 'harness' }

/** What keeps a data directory small; a server has to be told what it was made with. */
export const SMALL = [
  '--innodb-log-file-size=4M',
  '--innodb-data-file-path=ibdata1:4M:autoextend',
  '--innodb-temp-data-file-path=ibtmp1:1M:autoextend',
  '--innodb-autoextend-increment=1',
  '--innodb-undo-tablespaces=0',
  '--aria-log-file-size=8M',
]

/** Account `app` with every right on its database `app`, and nobody else but the administrator. */
const ACCOUNTS = `
delete from mysql.global_priv where User not in ('mariadb.sys');
flush privileges;
create user ${ADMIN.name}@localhost identified by '${ADMIN.password}';
grant all on *.* to ${ADMIN.name}@localhost with grant option;
create database app;
create user app@'%' identified by '${APP_PASSWORD}';
grant all on app.* to app@'%';
`

let made: Promise<string> | undefined

/** A folder with a data directory that was shut down cleanly. Made once a run by the first caller (2 s). */
export function mariadbTemplate(): Promise<string> {
  made ??= make()
  return made
}

async function make(): Promise<string> {
  const folder = join(testRoot(), 'mariadb-template')
  if (existsSync(folder)) return folder
  const draft = tempFolder('mariadb-draft', { forServer: true })
  const accounts = join(draft, 'accounts.sql')
  writeFileSync(accounts, ACCOUNTS)
  giveToServer(accounts)
  const { uid, gid } = serverUser() ?? {}
  const as = uid === undefined || gid === undefined ? {} : { uid, gid }
  const options = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']
  await runOk(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${draft}`, ...options, `--extra-file=${accounts}`, ...SMALL],
    as,
  )
  rmSync(accounts)
  publish(draft, folder)
  return folder
}

/** Copies the template with its owners. */
export async function newDataDir(folder: string): Promise<void> {
  await runOk('cp', ['-a', await mariadbTemplate(), folder])
}
