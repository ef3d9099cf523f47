// A pool whose connections and statements OpenTelemetry counts and times; the exporter prints them at the end.
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { createPool } from 'holdfast/pg'

if (!process.env.DATABASE_URL) {
  console.log(`no database: ${process.env.HOLDFAST_TARGET_POSTGRES_REASON ?? 'set DATABASE_URL'}`)
  process.exit()
}

const reader = new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter() })
const provider = new MeterProvider({ readers: [reader] })

const pool = createPool('env:DATABASE_URL', {
  name: 'shop',
  max: 2,
  meter: provider.getMeter('shop'),
  leakDetectionMillis: 100,
})
pool.on('leak', ({ stack }) => console.log(`held for too long:\n${stack}`))

async function forgets() {
  const client = await pool.connect()
  await client.query('SELECT pg_sleep(0.2)')
  return client
}

const client = await forgets()
client.release()
await Promise.all([1, 2, 3].map(n => pool.query('SELECT $1::int', [n])))
await provider.shutdown()
await pool.end()
