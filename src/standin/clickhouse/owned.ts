import { createHash } from 'node:crypto'
import { chownSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { giveFile } from '../owned/directories.js'
import { findProgram } from '../owned/find.js'
import { startInFrame } from '../owned/frame.js'
import { startServer } from '../owned/server.js'
import { serverUser } from '../owned/user.js'
import type { StandIn, StandInOptions } from '../stand-in.js'

/**
 * Starts the system's ClickHouse: its HTTP interface on 127.0.0.1 with a random port and password, user `holdfast`,
 * database `default`; gone after `close`. 0.2 s.
 *
 * @throws HoldfastError where there is none, or it does not start (with the end of its log); the signal's reason.
 */
export async function startOwnedClickHouse(options: StandInOptions): Promise<StandIn> {
  const user = serverUser()
  return startInFrame(options, { product: 'ClickHouse', short: 'clh', user }, async frame => {
    const { env, signal, reaper, nextPort, password } = frame
    const file = findProgram(env, ['clickhouse-server', 'clickhouse'], 'HOLDFAST_CLICKHOUSE_BIN')
    const program = [file, ...(basename(file) === 'clickhouse' ? ['server'] : [])] as const
    const dir = frame.makeDirectory()
    for (const name of ['data', 'tmp']) {
      mkdirSync(join(dir, name), { mode: 0o700 })
      if (user) chownSync(join(dir, name), user.uid, user.gid)
    }
    giveFile(join(dir, 'users.xml'), usersFor(password), user)
    giveFile(join(dir, 'config.xml'), configFor(dir), user)
    const server = await startServer({
      ...{ product: 'ClickHouse', user, dir, nextPort, signal, reaper },
      kind: 'tree',
      // Its orderly end takes a second, and there is nothing to save.
      stopSignal: 'SIGKILL',
      ready: /Ready for connections/,
      command: port => [
        ...program,
        ...[`--config-file=${join(dir, 'config.xml')}`, '--', `--http_port=${port}`],
      ],
    })
    frame.owns(server)
    // Old releases have no --version.
    const version = /Starting ClickHouse (\d+(?:\.\d+)+)/.exec(server.log())?.[1] ?? 'unknown'
    return {
      ...{ service: 'clickhouse', name: 'system-clickhouse', version },
      label: `ClickHouse ${version} (system binaries)`,
      url: `clickhouse://holdfast:${password}@127.0.0.1:${server.port}/default`,
    }
  })
}

/** The root element of releases before 22 is `yandex`, which later ones take, too. */
const xml = (content: string) => `<?xml version="1.0"?>\n<yandex>${content}</yandex>\n`

const configFor = (dir: string) =>
  xml(`
  <logger><level>information</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <path>${dir}/data/</path>
  <tmp_path>${dir}/tmp/</tmp_path>
  <users_config>${dir}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>16777216</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
`)

function usersFor(password: string): string {
  const hash = createHash('sha256').update(password).digest('hex')
  return xml(`
  <profiles><default></default></profiles>
  <quotas><default></default></quotas>
  <users><holdfast>
    <password_sha256_hex>${hash}</password_sha256_hex>
    <networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
  </holdfast></users>
`)
}
