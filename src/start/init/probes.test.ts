// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of Compose and of workflows
import { expect, test } from 'vitest'
import { parseCompose } from '../../model/compose.js'
import { serverOf } from '../../model/images.js'
import { probeOf } from './probes.js'

function probe(yaml: string, requirepass?: string): string | undefined {
  const service = parseCompose(`services: { it: ${yaml} }`).services.get('it')
  const server = service && serverOf(service)
  return server && probeOf(server, requirepass)?.join(' ')
}

test.each([
  ['{ image: "postgres:17" }', "CMD-SHELL psql -h 127.0.0.1 -U postgres -d postgres -c 'SELECT 1'"],
  [
    '{ image: postgres, environment: { POSTGRES_USER_FILE: /u, POSTGRES_PASSWORD_FILE: /p } }',
    'CMD-SHELL PGPASSWORD="$$(cat "$$POSTGRES_PASSWORD_FILE")" psql -h 127.0.0.1 -U "$$(cat "$$POSTGRES_USER_FILE")" -d "$$(cat "$$POSTGRES_USER_FILE")" -c \'SELECT 1\'',
  ],
  [
    '{ image: bitnami/postgresql, environment: { POSTGRESQL_USERNAME: a } }',
    'CMD-SHELL pg_isready -h 127.0.0.1 -U "$$POSTGRESQL_USERNAME"',
  ],
  [
    '{ image: mysql, environment: { MYSQL_USER: a, MYSQL_PASSWORD: b, MYSQL_ROOT_PASSWORD: c } }',
    'CMD-SHELL mysql -h 127.0.0.1 --protocol=tcp -u "$$MYSQL_USER" -p"$$MYSQL_PASSWORD" -e \'SELECT 1\'',
  ],
  [
    '{ image: mysql, environment: { MYSQL_ROOT_PASSWORD: c } }',
    'CMD-SHELL mysql -h 127.0.0.1 --protocol=tcp -u root -p"$$MYSQL_ROOT_PASSWORD" -e \'SELECT 1\'',
  ],
  ['{ image: mariadb }', 'CMD healthcheck.sh --connect --innodb_initialized'],
  ['{ image: "valkey/valkey:8" }', 'CMD-SHELL valkey-cli ping | grep -q PONG'],
  [
    '{ image: clickhouse/clickhouse-server }',
    'CMD-SHELL wget -q -O /dev/null "http://$$(hostname):8123/ping"',
  ],
  [
    '{ image: "mongo:4.4" }',
    'CMD-SHELL mongo --quiet --host "$$(hostname)" --eval \'quit(db.isMaster().ok ? 0 : 1)\'',
  ],
  ['{ image: rabbitmq }', 'CMD rabbitmq-diagnostics -q check_port_connectivity'],
  ['{ image: nats }', undefined],
])('%s', (yaml, expected) => {
  expect(probe(yaml)).toBe(expected)
})

test('a password of the server’s command is used as its variable', () => {
  expect(probe('{ image: redis }', '${REDIS_PASSWORD}')).toBe(
    'CMD-SHELL REDISCLI_AUTH="${REDIS_PASSWORD}" redis-cli ping | grep -q PONG',
  )
})
