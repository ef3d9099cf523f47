import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './podman.mjs'
import { SCENES } from './scenes/all.mjs'
import { World } from './world.mjs'

const seconds = ms => `${(ms / 1000).toFixed(1)} s`

/** Plays the scenes whose name holds `only`, one after another, and prints the table. True when all went well. */
async function play(folder, only) {
  const world = new World(join(folder, 'scenes'))
  const chosen = SCENES.filter(({ name }) => name.includes(only))
  const rows = []
  await world.clear()
  for (const { name, run } of chosen) {
    const began = performance.now()
    const row = { name, ok: true, seen: '' }
    try {
      row.seen = (await run(world)) ?? ''
    } catch (error) {
      row.ok = false
      row.seen = error.message.split('\n')[0]
      console.log(`${name}:\n${error.stack}\n`)
    }
    row.ms = performance.now() - began
    rows.push(row)
    console.log(`${row.ok ? 'ok    ' : 'FAILED'} ${name}`)
  }
  await world.clear()
  rmSync(join(folder, 'scenes'), { recursive: true, force: true })
  const width = Math.max(0, ...rows.map(({ name }) => name.length))
  console.log('')
  for (const { name, ok, ms, seen } of rows)
    console.log(
      `${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(width)} ${seconds(ms).padStart(7)}  ${seen}`.trimEnd(),
    )
  return rows.length > 0 && rows.every(({ ok }) => ok)
}

await must(['ip', 'link', 'set', 'lo', 'up'])
const [folder, only] = process.argv.slice(2)
process.exitCode = (await play(folder, only ?? '')) ? 0 : 1
