/** Put in by the build; sources that run unbuilt have none. */
declare const HOLDFAST_VERSION: string | undefined

export const version = (): string =>
  typeof HOLDFAST_VERSION === 'undefined' ? '0.0.0-source' : HOLDFAST_VERSION
