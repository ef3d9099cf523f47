/** As much of OpenTelemetry's API as is used here, so that nothing needs to be installed for it. */
export interface Meter {
  createHistogram(
    name: string,
    options?: InstrumentOptions,
  ): { record(value: number, attributes?: Attributes): void }
  createCounter(
    name: string,
    options?: InstrumentOptions,
  ): { add(value: number, attributes?: Attributes): void }
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): Observable
}

export interface Observable {
  addCallback(callback: ObserveCallback): void
  removeCallback(callback: ObserveCallback): void
}

export type ObserveCallback = (result: { observe(value: number, attributes?: Attributes): void }) => void

export interface InstrumentOptions {
  readonly description?: string
  readonly unit?: string
  readonly advice?: { readonly explicitBucketBoundaries?: number[] }
}

export type Attributes = Record<string, string | number | boolean>
