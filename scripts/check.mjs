// `npm run check`: every tool that looks at the code without running it.
import { build, packaged, sources } from './checks.mjs'

async function built() {
  const result = await build()
  return result.ok ? [result, await packaged()] : [result]
}

const results = (await Promise.all([sources(), built()])).flat()
if (results.some(({ ok }) => !ok)) process.exitCode = 1
