/** As much of OpenTelemetry's API as is used here; the Meter of `@opentelemetry/api` is one. */
export interface Meter {
  createHistogram(name: string, options?: InstrumentOptions): Histogram
  createCounter(name: string, options?: InstrumentOptions): Counter
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): Observable
}

export interface Histogram {
  record(value: number, attributes?: Attributes): void
}

export interface Counter {
  add(value: number, attributes?: Attributes): void
}

export interface Observable {
  addCallback(callback: ObserveCallback): void
  removeCallback(callback: ObserveCallback): void
}

export type ObserveCallback = (result: { observe(value: number, attributes?: Attributes): void }) => void

export interface InstrumentOptions {
  description?: string
  unit?: string
  advice?: { explicitBucketBoundaries?: number[] }
}

export type Attributes = Record<string, string | number | boolean>
