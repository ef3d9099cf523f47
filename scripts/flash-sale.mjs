/**
 * `npm run flash-sale [-- RUNS]`: 1,000 users claim 100 coupons of examples/shop at the same moment, so many times (20
 * by default), while its connections are ended at random; then its database restarts under load, five times. Prints what
 * was answered and what the database says. Exit 1 when a coupon was sold twice, lost, or promised and not given.
 *
 *   --claims N     default 1000
 *   --coupons N    default 100
 *   --kill-every MS  on average; default 10; 0 ends none
 *   --restarts N   default 5
 *   --down MS      how long the database is away, at least; default 2000
 *   --seed N       the moments of an earlier run
 */
import { parseArgs } from 'node:util'
import { createJiti } from 'jiti'
import { run, seconds } from './run.mjs'

const number = fallback => ({ type: 'string', default: String(fallback) })
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    claims: number(1000),
    coupons: number(100),
    'kill-every': number(10),
    restarts: number(5),
    down: number(2000),
    seed: number(Date.now() % 1e9),
  },
})
const runs = Number(positionals[0] ?? 20)
const seed = Number(values.seed)

const built = await run(process.execPath, ['scripts/build.mjs', '--no-types'])
if (built.status !== 0) {
  console.error(built.output)
  process.exit(1)
}
const jiti = createJiti(import.meta.url)
const [{ startPostgres }, { startRedis }, shops, sales, { restartUnderLoad }] = await Promise.all(
  ['support/postgres', 'support/redis', 'support/shop', 'shop/flash-sale', 'shop/restart'].map(name =>
    jiti.import(`../test/${name}.ts`),
  ),
)

const begun = performance.now()
const [db, redis] = await Promise.all([startPostgres(), startRedis()])
const shop = shops.shopFolder()
const env = { DATABASE_URL: db.url(), REDIS_URL: redis.url() }
await shops.program(shop, 'migrate.js', env)
const server = await shops.startServer(shop, env)
let wrong = 0
try {
  console.log(`seed ${seed}`)
  for (let n = 0; n < runs; n++) await sale(n)
  for (let n = 0; n < Number(values.restarts); n++) await restart()
  console.log(`${runs} sales, ${wrong} wrong, ${seconds(performance.now() - begun)}`)
} finally {
  const { status, signal } = await server.stop()
  console.log(`the server ended with ${signal ?? status}`)
  if (status !== 0 || wrong > 0) process.exitCode = 1
  await Promise.all([db.remove(), redis.remove()])
}

async function sale(n) {
  const end = await sales.flashSale(server, db, {
    claims: Number(values.claims),
    coupons: Number(values.coupons),
    killEveryMs: Number(values['kill-every']),
    seed: seed + n,
  })
  const exact = end.claimed === Number(values.coupons) && end.remaining === 0
  if (!exact || end.wrong.length > 0) wrong++
  const answers = Object.entries(end.answers).map(([answer, count]) => `${count} × ${answer}`)
  console.log(
    [
      `${exact && end.wrong.length === 0 ? 'ok   ' : 'WRONG'} ${end.claimed} claims, ${end.remaining} remain`,
      `${end.kills} kills in ${seconds(end.ms)}`,
      answers.join(', '),
      ...end.wrong,
    ].join('; '),
  )
}

async function restart() {
  const admin = await sales.superuser(db)
  const coupon = await sales.campaign(admin, 1)
  await admin.end()
  const end = await restartUnderLoad(server, db, {
    perSecond: 50,
    path: `/coupons/${coupon}`,
    aroundMs: 1000,
    downMs: Number(values.down),
  })
  const { awayMs, firstSuccessMs, errorsOutside, statuses, longestMs } = end
  if (errorsOutside > 0) wrong++
  console.log(
    `restart: away ${seconds(awayMs)}, first success ${firstSuccessMs.toFixed(0)} ms after readiness, ${errorsOutside} errors outside, ${JSON.stringify(statuses)}, longest ${seconds(longestMs)}`,
  )
}
