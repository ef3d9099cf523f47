import { expect, test } from 'vitest'
import { fullName } from './container.js'
import { bestOf, IMAGES, type ImageKind } from './images.js'

const postgres = IMAGES.postgres as ImageKind

test('an official image is found under the names of docker and of podman', () => {
  expect(bestOf(postgres, ['redis:7', 'postgres:16'])).toBe('postgres:16')
  expect(bestOf(postgres, ['docker.io/library/postgres:16'])).toBe('docker.io/library/postgres:16')
  expect(bestOf(IMAGES.clickhouse as ImageKind, ['docker.io/clickhouse/clickhouse-server:24'])).toMatch(/24$/)
})

test('an image of somebody else is none, whatever it is called', () => {
  expect(bestOf(postgres, ['acme/postgres:17', 'localhost:5000/postgres:17', 'postgres:<none>', ''])).toBe(
    undefined,
  )
})

test('the version of the real server comes first, then the highest', () => {
  const here = ['postgres:9.6', 'postgres:15-alpine', 'postgres:17.2', 'pgvector/pgvector:pg16']
  expect(bestOf(postgres, here)).toBe('postgres:17.2')
  expect(bestOf(postgres, here, '15.18')).toBe('postgres:15-alpine')
  expect(bestOf(postgres, here, '16.1')).toBe('pgvector/pgvector:pg16')
  expect(bestOf(postgres, here, '14.1')).toBe('postgres:17.2')
})

test('a password reaches no command line', () => {
  for (const kind of Object.values(IMAGES)) {
    expect(Object.values(kind.environment('SECRET'))).toContain('SECRET')
    expect(kind.command?.join(' ') ?? '').not.toContain('SECRET')
    expect(kind.url('SECRET', 1)).toContain('SECRET')
  }
})

test.each([
  ['postgres:17-alpine', 'docker.io/library/postgres:17-alpine'],
  ['postgis/postgis:17-3.5', 'docker.io/postgis/postgis:17-3.5'],
  ['quay.io/team/db', 'quay.io/team/db'],
  ['localhost/db', 'localhost/db'],
  ['registry:5000/db', 'registry:5000/db'],
])('%s is pulled by podman as %s, which is what docker reads', (image, full) => {
  expect(fullName(image)).toBe(full)
})
