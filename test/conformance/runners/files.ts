/**
 * The test files of the little project: the same text for every runner, below what its face declares. `mark` notes
 * what ran; `open` says which of the variables' addresses is in the environment.
 */
export const FILES = {
  plain: `
const services = requireServices('postgres')
mark('top: ' + services.postgres.decision)
beforeAll(() => mark('beforeAll'))
beforeEach(() => mark('beforeEach'))
afterEach(() => mark('afterEach'))
afterAll(() => mark('afterAll ' + environment()))
test('is at the top', () => {
  const { postgres, env } = services
  mark('test: ' + postgres.decision + ' ' + (postgres.url === env.DATABASE_URL) + ' ' + (postgres.url === process.env.DATABASE_URL))
})
describe('a block', () => {
  beforeAll(() => mark('inner beforeAll'))
  beforeEach(() => mark('inner beforeEach'))
  test('is inside', () => mark('inner test'))
  describe('a block in it', () => {
    test('is further inside', () => mark('innermost test'))
  })
})
`,
  block: `
describe('the block that needs it', () => {
  const services = requireServices('postgres')
  beforeAll(() => mark('needing beforeAll ' + environment()))
  test('asks the database', () => mark('needing test: ' + services.postgres.decision + ' ' + environment()))
  afterAll(() => mark('needing afterAll ' + environment()))
})
describe('the block beside it', () => {
  beforeAll(() => mark('other beforeAll ' + environment()))
  test('needs nothing', () => mark('other test ' + environment()))
})
test('needs nothing either', () => mark('top test'))
`,
  several: `
const services = requireServices('redis', 'postgres')
test('needs both', () => mark(services.redis.decision + ' ' + services.postgres.decision))
`,
  combined: `
requireServices('redis')
describe('a block of more', () => {
  const { postgres } = requireServices('postgres')
  test('needs both, one by one', () => mark(postgres.decision))
})
test('needs the first alone', () => mark('first'))
`,
  needs: `
describe('what a stand-in has', () => {
  requireServices('postgres', { needs: ['concurrency'] })
  test('works at the same time', () => mark('concurrency'))
})
describe('what no stand-in has', () => {
  requireServices('postgres', { needs: ['tls'] })
  test('is encrypted', () => mark('tls'))
})
`,
  awaited: `
const services = await requireServices.async('postgres')
beforeAll(() => mark('beforeAll'))
test('was awaited', () => mark('test: ' + services.postgres.decision))
`,
  blockAwaited: `
describe('a block that awaits', async () => {
  const services = await requireServices.async('postgres')
  beforeAll(() => mark('beforeAll'))
  test('was awaited in a block', () => mark('test: ' + services.postgres.decision))
})
describe('a block beside it', () => {
  test('awaits nothing', () => mark('other test'))
})
`,
  fixture: `
test('asks for one', async ({ postgres }) => mark('test: ' + postgres.decision + ' ' + (postgres.url === postgres.env.DATABASE_URL)))
test('asks for two', async ({ redis, postgres: db }) => mark('both: ' + redis.decision + ' ' + db.decision))
test('asks for none', async () => mark('none'))
`,
} as const

export type FileName = keyof typeof FILES

/** What every file begins with, after its face's prelude. */
export const common = (name: string) => `
const FILE = ${JSON.stringify(name)}
const mark = text => fs.appendFileSync(process.env.MARKS, FILE + ' ' + text + '\\n')
const environment = () => (process.env.DATABASE_URL === process.env.GIVEN_URL ? 'given' : process.env.DATABASE_URL ? 'changed' : 'unset')
`
