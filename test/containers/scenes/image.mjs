/** The shop's production image: what it is, and what its validation says with and without infrastructure. */
import assert from 'node:assert/strict'
import { mustPodman, podman } from '../podman.mjs'
import { ADDRESSES, SHOP, until } from '../world.mjs'

const SERVER = ['--', 'node', 'server.js']

/** State of each stage, as the document says it. */
function stages({ status, stdout, text }) {
  try {
    const { stages: all } = JSON.parse(stdout)
    return Object.fromEntries(all.map(({ stage, state }) => [stage, state]))
  } catch {
    throw new Error(`ended with ${status} and no document:\n${text}`)
  }
}

export const image = [
  {
    name: 'the image has the two-stage entrypoint and a user without rights',
    async run(world) {
      const [{ Config: config, Size: size }] = JSON.parse(await mustPodman(['image', 'inspect', SHOP]))
      assert.deepEqual([config.Entrypoint, config.Cmd], [['holdfast-entrypoint'], ['node', 'server.js']])
      const who = await world.once(['id', '-u'])
      assert.notEqual(who.stdout.trim(), '0')
      return `${Math.round(size / 1e6)} MB, user ${who.stdout.trim()}`
    },
  },
  {
    name: 'validation without any infrastructure: 0, what needs it is skipped, up 10 s and healthy',
    async run(world) {
      const args = ['run', '--validate', '--timeout', '2s', '--up-for', '10s', '--json', ...SERVER]
      const end = await world.holdfast(args, { network: 'none' })
      const seen = stages(end)
      assert.equal(end.status, 0, end.text)
      assert.deepEqual(
        [seen.config, seen.smoke, seen.wait, seen.migrate, seen.schema, seen.up],
        ['passed', 'passed', 'skipped', 'skipped', 'skipped', 'passed'],
      )
      assert.match(end.text, /needs postgres: db/)
      return JSON.parse(end.stdout).stages.find(({ stage }) => stage === 'up').message
    },
  },
  {
    name: 'validation that requires the database, without it: a failure',
    async run(world) {
      const args = ['run', '--validate', '--timeout', '2s', '--require=db', ...SERVER]
      const { status, text } = await world.holdfast(args, { network: 'none' })
      assert.equal(status, 69, text)
      assert.match(text, /wait +failed +db: /)
      return `status ${status}`
    },
  },
  {
    name: 'validation of a broken configuration: 78, with every mistake',
    async run(world) {
      const env = { DATABASE_URL: ADDRESSES.DATABASE_URL, PORT: 'http', POOL_MAX: '0' }
      const args = ['run', '--validate', ...SERVER]
      const { status, text } = await world.holdfast(args, { env, network: 'none' })
      assert.equal(status, 78, text)
      for (const name of ['REDIS_URL', 'PORT', 'POOL_MAX']) assert.match(text, new RegExp(`error .*${name}`))
      return `status ${status}`
    },
  },
  {
    name: 'validation with the database: every stage passes',
    async run(world) {
      await world.ready()
      const args = ['run', '--validate', '--require=all', '--up-for', '2s', '--json', ...SERVER]
      const end = await world.holdfast(args)
      const seen = stages(end)
      assert.equal(end.status, 0, end.text)
      assert.deepEqual([...new Set(Object.values(seen))], ['passed'], end.text)
      return Object.keys(seen).join(', ')
    },
  },
  {
    name: 'the image starts with its database: migrated, up 10 s, healthy, ready',
    async run(world) {
      await world.ready()
      await world.shop('app')
      await world.logged('app', /listening on 3000/)
      const { StartedAt: started } = await world.state('app')
      await until('ten seconds', () => Date.now() - Date.parse(started) > 10_000)
      const { Running: running, StartedAt: still } = await world.state('app')
      assert.deepEqual([running, still], [true, started])
      const health = await podman(['healthcheck', 'run', 'app'])
      assert.equal(health.status, 0, health.text)
      await world.isReady('app')
      return `database: ${await world.sql("SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations")}`
    },
  },
  {
    name: 'the image starts as compose.hardened.yaml has it: read-only, without rights, its password from a file',
    async run(world) {
      await world.ready()
      const secrets = world.folder({ db_password: 'kelp-forest\n' })
      const env = {
        DATABASE_URL: 'postgres://shop@db:5432/shop',
        REDIS_URL: ADDRESSES.REDIS_URL,
        PGPASSWORD_FILE: '/run/secrets/db_password',
      }
      const rights = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'all']
      const options = [
        ...rights,
        ...['--security-opt', 'no-new-privileges', '--volume', `${secrets}:/run/secrets:ro`],
        ...['--entrypoint', '["./with-secrets.sh","holdfast-entrypoint"]'],
      ]
      await world.shop('hardened', { env, options, command: ['node', 'server.js'] })
      await world.logged('hardened', /listening on 3000/)
      await world.isReady('hardened')
      const { status } = await world.exec('hardened', 'touch', '/app/file')
      assert.notEqual(status, 0)
      assert.doesNotMatch(await world.logs('hardened'), /kelp-forest/)
      await world.remove('hardened', 'app')
      return 'ready'
    },
  },
]
