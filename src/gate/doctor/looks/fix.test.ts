import { expect, test } from 'vitest'
import { parseTarget } from '../../../core/target.js'
import { SCHEMES } from '../../../services/registry.js'
import { fixOf } from './fix.js'

test.each([
  [
    'postgres://app:hunter22@localhost:5432/app',
    'env:DATABASE_URL',
    'db',
    'DATABASE_URL=postgres://app:***@db:5432/app',
  ],
  ['postgres://a,localhost:1/app', 'argument', 'db', 'postgres://a,db:1/app'],
  ['postgres://localhost/localhost', 'argument', '::1', 'postgres://[::1]/localhost'],
  [
    'postgres:///app?host=localhost&port=1',
    'env:DATABASE_URL',
    'db',
    "DATABASE_URL='postgres:///app?host=db&port=1'",
  ],
  ['host=localhost password=hunter22', 'argument', 'db', "'host=db password=***'"],
  ['postgres://', 'env:PGHOST', 'db', 'PGHOST=db'],
  ['postgres://localhost/app', 'env:DB_HOST', 'db', 'DB_HOST=db'],
  ['service=shop', 'service file ~/.pg_service.conf [shop] line 2', 'db', 'host=db'],
])('of %s, whose host is from %s, the line with %s is %s', (address, origin, name, line) => {
  expect(fixOf(parseTarget(address, { schemes: SCHEMES }), origin, 'localhost', name)).toBe(line)
})
