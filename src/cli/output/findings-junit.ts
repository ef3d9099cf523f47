import { writeFileSync } from 'node:fs'
import { RULES } from '../../start/rules/all.js'
import type { Findings } from './findings.js'
import { escapeXml, unwritable } from './junit.js'

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
  const number = (tag: string) => cases.filter(text => text.includes(`<${tag} `)).length
  const seconds = (durationMs / 1000).toFixed(3)
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="holdfast check" tests="${cases.length}" failures="${number('failure')}" errors="0" skipped="${number('skipped')}" time="${seconds}">\n${cases.join('\n')}\n</testsuite>\n`
  try {
    writeFileSync(file, xml)
  } catch (error) {
    throw unwritable(file, error)
  }
}
