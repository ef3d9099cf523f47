/**
 * `node program.cjs URL MIGRATE`: a run of its own that gets one database, says which, and gives it back when its
 * standard input ends.
 */
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { IsolationClient } from '../../src/isolate/client.js'
import { Isolation } from '../../src/isolate/isolation.js'
import { aimOf, isolated } from '../../src/testing/database.js'

const [url = '', migrate = ''] = process.argv.slice(2)

async function main() {
  const isolation = new Isolation({ aim: aimOf })
  const http = createServer((request, response) => void isolation.handle(request, response))
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const client = new IsolationClient({
    baseUrl: `http://127.0.0.1:${(http.address() as { port: number }).port}`,
  })
  const one = await isolated(
    { url },
    { migrate, pool: 2, cwd: dirname(__filename), files: ['schema.sql'] },
    client,
  )
  process.stdout.write(`${one.name}\n`)
  for await (const _ of process.stdin);
  await one.release({ failed: false })
  client.close()
  http.close()
  await isolation.close()
}

main().catch(error => {
  process.stderr.write(`${error}\n`)
  process.exitCode = 1
})
