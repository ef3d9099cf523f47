import process from 'node:process'
import { processorTime, programs } from '../programs.mjs'

const GOAL_MS = 300

/** What the same polling costs a bare Node, without a probe. */
const BARE = `
  const { connect } = require('node:net')
  const begun = Date.now()
  const knock = () => connect(1, '127.0.0.1').on('error', () => {
    const waited = Date.now() - begun
    if (waited < 10000) setTimeout(knock, Math.min(50, Math.max(5, waited / 100)))
  })
  knock()`

/** Processor time of a wait of ten seconds for a port that refuses. */
export function measure(context) {
  const at = { host: '127.0.0.1', port: 1, url: 'postgres://app@127.0.0.1:1/app' }
  const commands = {
    ...programs(context, at, 10),
    'bare Node, the same polling': [process.execPath, '-e', BARE],
  }
  const rows = Object.entries(commands).map(([name, command]) => [name, processorTime(command)])
  const [[, ours]] = rows
  return {
    title: 'Processor time while a port refuses for 10 s',
    conditions: 'Milliseconds of user and system time together, start included.',
    columns: ['ms', '× holdfast'],
    rows: rows.map(([name, ms]) => [name, ms, ms / ours]),
    goals: [{ text: `at most ${GOAL_MS} ms (${ours.toFixed(0)})`, met: ours <= GOAL_MS }],
  }
}
