/** A container of its own that needs a database which is still being made. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { until } from '../world.mjs'

const pytest = fileURLToPath(new URL('../files/test_first_try.py', import.meta.url))
const URLS = ['env:DATABASE_URL', 'env:REDIS_URL']

export const ephemeral = [
  {
    name: 'an ephemeral container waits through the socket-only server, then pytest connects at the first try',
    async run(world) {
      await world.database({
        '20.sql':
          '\\connect shop\nSET ROLE shop; CREATE TABLE seeds (n int); INSERT INTO seeds VALUES (1), (2)',
        '30.sh': 'psql -U postgres -d shop -qc "SELECT pg_sleep(4); INSERT INTO seeds VALUES (3)"',
      })
      await world.redis()
      const socketSaysYes = until('the temporary server', async () => {
        const { status } = await world.exec('db', '/usr/bin/pg_isready', '-q')
        return status === 0 && !/init process complete/.test(await world.logs('db'))
      })
      const options = ['--volume', `${pytest}:/tests/test_first_try.py:ro`]
      const command = ['/usr/bin/python3', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '/tests']
      const waited = world.holdfast(['wait', '--timeout', '60s', ...URLS, '--', ...command], { options })
      await socketSaysYes
      const refused = await world.holdfast(['wait', '--once', 'env:DATABASE_URL'])
      assert.equal(refused.status, 1, refused.text)
      assert.match(refused.text, /connection-refused/)
      assert.doesNotMatch(await world.logs('db'), /init process complete/)
      const { status, text } = await waited
      assert.equal(status, 0, text)
      const addresses = await Promise.all(['db', 'redis'].map(name => world.address(name)))
      assert.match(text, new RegExp(`postgres +ready +${addresses[0]}:5432 .* PostgreSQL`))
      assert.match(text, new RegExp(`redis +ready +${addresses[1]}:6379 .* Redis`))
      assert.match(text, /connection-refused at tcp/)
      assert.match(text, /\n3 passed/)
      return 'pg_isready said yes by the socket while TCP refused; 3 passed'
    },
  },
  {
    name: 'the log tells both names, their addresses and every layer',
    async run(world) {
      await world.ready()
      const { status, stdout } = await world.holdfast(['wait', '--json', ...URLS])
      assert.equal(status, 0)
      const { targets } = JSON.parse(stdout)
      for (const { layers } of targets)
        assert.deepEqual(
          layers
            .filter(({ ok }) => ok)
            .map(({ layer }) => layer)
            .filter(layer => /dns|tcp|query/.test(layer)),
          ['dns', 'tcp', 'query'],
        )
      return targets.map(one => `${one.name} ${one.layers[0].detail}`).join(', ')
    },
  },
]
