import type { Call } from './spec.js'
export async function testVerb(_: Call): Promise<number> {
  throw new Error('in the making')
}
