// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of Compose and of workflows
import { describe, expect, test } from 'vitest'
import { parseCompose } from './compose.js'
import { imageOf, serverOf } from './images.js'
import { interpolate, parseDotenv } from './interpolate.js'

const service = (yaml: string, variables = {}) => {
  const file = parseCompose(`services:\n  it:\n${yaml.replace(/^/gm, '    ')}\n`, variables)
  const found = file.services.get('it')
  if (!found) throw new Error('no service')
  return { file, ...found }
}

describe('the two forms of each key mean the same', () => {
  test('environment', () => {
    const map = service('environment:\n  A: 1\n  B: "${X:-x} y"\n  C:\n  D: yes').environment
    const list = service('environment:\n- A=1\n- B=${X:-x} y\n- C\n- D=yes').environment
    const values = (env: typeof map) => [...env].map(([name, { value }]) => [name, value?.value])
    expect(values(map)).toEqual([
      ['A', '1'],
      ['B', 'x y'],
      ['C', undefined],
      ['D', 'yes'],
    ])
    expect(values(list)).toEqual(values(map))
  })

  test('depends_on', () => {
    const plain = (yaml: string) =>
      service(yaml).dependsOn.map(({ service, condition, required }) => [service, condition, required])
    expect(plain('depends_on: [db, redis]')).toEqual([
      ['db', 'service_started', true],
      ['redis', 'service_started', true],
    ])
    expect(plain('depends_on:\n  db: { condition: service_healthy, required: false }\n  redis: {}')).toEqual([
      ['db', 'service_healthy', false],
      ['redis', 'service_started', true],
    ])
  })

  test('ports', () => {
    const ports = service(
      'ports:\n- "8080:80"\n- 127.0.0.1:5432:5432/tcp\n- "[::1]:53:53/udp"\n- 3000\n- "${P:-1}:2"\n- { target: 80, published: "90", host_ip: 1.2.3.4 }\n',
    ).ports
    expect(ports.map(({ host, published, target, protocol }) => [host, published, target, protocol])).toEqual(
      [
        [undefined, '8080', '80', 'tcp'],
        ['127.0.0.1', '5432', '5432', 'tcp'],
        ['::1', '53', '53', 'udp'],
        [undefined, undefined, '3000', 'tcp'],
        [undefined, '1', '2', 'tcp'],
        ['1.2.3.4', '90', '80', 'tcp'],
      ],
    )
  })

  test('health checks, commands, networks, mounts, secrets, env_file, build', () => {
    const one = service(
      'healthcheck: { test: pg_isready }\ncommand: redis-server --x\nentrypoint: ["a", b]\nenv_file: .env\nbuild: ./app',
    )
    expect(one.healthcheck?.test).toMatchObject({ form: 'CMD-SHELL', words: [{ value: 'pg_isready' }] })
    expect([one.command?.form, one.entrypoint?.form]).toEqual(['shell', 'exec'])
    expect(one.entrypoint?.words.map(({ value }) => value)).toEqual(['a', 'b'])
    expect(one.envFiles).toMatchObject([{ path: { value: '.env' }, required: true }])
    expect(one.build).toMatchObject({ context: './app' })
    const two = service(
      'healthcheck: { test: [CMD, x, y], disable: true, start_period: 5s }\nnetworks: { back: { aliases: [d] } }\nvolumes: ["data:/d:ro", /anon, { source: s, target: /t }]\nsecrets: [pw, { source: key, target: k }]\nenv_file: [{ path: a.env, required: false }]\nbuild: { dockerfile: D }',
    )
    expect(two.healthcheck).toMatchObject({
      disabled: true,
      test: { form: 'CMD' },
      startPeriod: { value: '5s' },
    })
    expect(two.networks).toMatchObject([{ name: 'back', aliases: [{ value: 'd' }] }])
    expect(two.mounts).toMatchObject([
      { source: 'data', target: '/d', readOnly: true },
      { target: '/anon' },
      { source: 's', target: '/t' },
    ])
    expect(two.secrets.map(({ name, target }) => [name, target])).toEqual([
      ['pw', '/run/secrets/pw'],
      ['key', '/run/secrets/k'],
    ])
    expect(two.envFiles).toMatchObject([{ path: { value: 'a.env' }, required: false }])
    expect(two.build).toMatchObject({ context: '.', dockerfile: { value: 'D' } })
  })
})

test('aliases and merge keys are resolved, a service’s own keys first, and places are where the text stands', () => {
  const text =
    'x-app: &app\n  image: old\n  environment: &env { A: 1, B: 2 }\nservices:\n  web:\n    <<: *app\n    image: new\n    environment:\n      <<: [*env, { B: 3, C: 4 }]\n      A: 9\n  copy: *app\n'
  const file = parseCompose(text)
  const web = file.services.get('web')
  expect(web?.image?.value).toBe('new')
  expect([...(web?.environment ?? [])].map(([name, { value }]) => [name, value?.value])).toEqual([
    ['A', '9'],
    ['B', '2'],
    ['C', '4'],
  ])
  expect(file.yaml.position(web?.image?.at.from ?? 0)).toEqual({
    line: 7,
    column: 12,
    offset: text.indexOf('new'),
  })
  expect(file.services.get('copy')?.image?.value).toBe('old')
  expect([web?.map, file.services.get('copy')?.map].map(Boolean)).toEqual([true, false])
})

test('a tower of merges is read in no time', () => {
  const levels = Array.from(
    { length: 40 },
    (_, i) => `x${i + 1}: &x${i + 1}\n  <<: [*x${i}, *x${i}]\n  k${i}: 1`,
  )
  const file = parseCompose(
    `x0: &x0 { image: redis }\n${levels.join('\n')}\nservices:\n  it:\n    <<: *x40\n`,
  )
  expect(file.services.get('it')?.image?.value).toBe('redis')
})

describe('variables', () => {
  const env = { SET: 's', EMPTY: '' }
  test.each([
    ['$SET-${SET}', 's-s'],
    ['${EMPTY:-d}|${EMPTY-d}|${NONE:-d}|${NONE-d}', 'd||d|d'],
    ['${SET:+x}|${EMPTY:+x}|${EMPTY+x}|${NONE+x}', 'x||x|'],
    ['${NONE:-${SET}-${EMPTY:-e}}', 's-e'],
    ['$$SET $${SET} 5$ ${', '$SET ${SET} 5$ ${'],
    ['${NONE:-}', ''],
  ])('%s is %s', (text, value) => {
    expect(interpolate(text, env).value).toBe(value)
  })

  test('that are missing are named, and those without which Compose stops', () => {
    expect(interpolate('$A ${B:?why} ${C:-c}', {})).toMatchObject({ missing: ['A', 'B'], required: ['B'] })
  })

  test('takes time in proportion to the text', () => {
    const text = '${A'.repeat(60_000)
    const before = performance.now()
    expect(interpolate(text, { A: 'x' }).value).toBe(text)
    expect(performance.now() - before).toBeLessThan(5_000)
  })

  test('are read from lines as Compose reads .env', () => {
    expect([...parseDotenv('# c\nA=1 # one\nexport B="x\\n#y"\nC=\'$z\'\r\nD=\nE: e\nA=2\n')]).toEqual([
      ['A', '2'],
      ['B', 'x\n#y'],
      ['C', '$z'],
      ['D', ''],
      ['E', 'e'],
    ])
  })
})

describe('servers', () => {
  test.each([
    ['postgres:17-alpine', 'postgres', true, 17],
    ['docker.io/library/postgres', 'postgres', true, undefined],
    ['localhost:5000/postgis/postgis:16-3.4@sha256:ab', 'postgres', true, 16],
    ['bitnami/postgresql:latest', 'postgres', false, undefined],
    ['valkey/valkey:8', 'valkey', true, 8],
    ['ghcr.io/acme/postgres-exporter:1', undefined, false, 1],
    ['${IMAGE}', undefined, false, undefined],
  ])('%s', (name, kind, official, major) => {
    expect(imageOf(name)).toMatchObject({ kind, official, major })
  })

  test('what the environment gives a server, also by a file, and never shown', () => {
    const found = serverOf(
      service(
        'image: postgres:17\nenvironment:\n  POSTGRES_USER: app\n  POSTGRES_PASSWORD_FILE: /run/secrets/pw\n  POSTGRES_DB: ${DB}',
        { DB: 'shop' },
      ),
    )
    expect(found?.user?.value?.reveal()).toBe('app')
    expect(found?.password).toEqual({
      variable: 'POSTGRES_PASSWORD_FILE',
      value: undefined,
      file: '/run/secrets/pw',
    })
    expect(found?.database?.value?.reveal()).toBe('shop')
    expect(JSON.stringify(found)).not.toMatch(/app|shop/)
    expect(serverOf(service('image: mysql'), new Map([['MYSQL_PASSWORD', 'x']]))?.password?.variable).toBe(
      'MYSQL_PASSWORD',
    )
  })
})
