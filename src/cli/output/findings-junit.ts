import { RULES } from '../../start/rules/all.js'
import type { Findings } from './findings.js'
import { escapeXml, writeSuite } from './junit.js'

/** A test suite with one case a rule, so that what passed is seen, too. */
export function writeFindings(file: string, { settled, deploy, durationMs }: Findings): void {
  const rules = RULES.filter(({ stage }) => deploy || stage === 'config')
  const cases = rules.map(({ id, stage }) => {
    const of = (concerns: typeof settled.counted) => concerns.filter(one => one.id === id)
    const [counted, failing, silenced] = [of(settled.counted), of(settled.failing), of(settled.silenced)]
    const text = counted
      .map(({ level, message, advice = '', where = '' }) => `${level}: ${message} (${where})\n${advice}`)
      .join('\n')
    const head = `  <testcase classname="holdfast.check.${stage}" name="${id}" time="0.000"`
    const [first] = failing
    if (first)
      return `${head}>\n    <failure type="${first.level}" message="${escapeXml(first.message)}">${escapeXml(text)}</failure>\n  </testcase>`
    if (counted.length > 0) return `${head}>\n    <system-out>${escapeXml(text)}</system-out>\n  </testcase>`
    const [reason] = silenced
    if (reason) return `${head}>\n    <skipped message="${escapeXml(reason.silenced ?? '')}"/>\n  </testcase>`
    return `${head}/>`
  })
  writeSuite(file, 'check', cases, durationMs)
}
