import type { Meter as ApiMeter } from '@opentelemetry/api'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { expect, test } from 'vitest'
import type { Meter } from './meter.js'

test("OpenTelemetry's Meter is one without a cast", async () => {
  const provider = new MeterProvider()
  const given: ApiMeter = provider.getMeter('shop')
  const meter: Meter = given
  expect(meter.createHistogram('x', { unit: 's' }).record).toBeTypeOf('function')
  await provider.shutdown()
})
