import { writeFileSync } from 'node:fs'
import { usage } from '../../core/errors.js'
import { adviceOf } from '../../core/verdict.js'
import type { WaitResult } from '../../gate/wait.js'

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** A test suite with one case a target. */
export function writeJunit(file: string, verb: string, result: WaitResult): void {
  const cases = result.outcomes.map(({ target, verdict, state, readyAfterMs }) => {
    const seconds = ((readyAfterMs ?? result.durationMs) / 1000).toFixed(3)
    const head = `  <testcase classname="holdfast.${verb}" name="${escapeXml(target.name)}" time="${seconds}"`
    if (verdict.ready || state === 'gone') return `${head}/>`
    const { finding, layer } = verdict
    const text = `${target.address}: ${layer}: ${finding.message}\n${adviceOf(finding)}`
    return `${head}>\n    <failure type="${finding.reason}" message="${escapeXml(finding.message)}">${escapeXml(text)}</failure>\n  </testcase>`
  })
  const failures = cases.filter(text => text.includes('<failure')).length
  const seconds = (result.durationMs / 1000).toFixed(3)
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="holdfast ${verb}" tests="${cases.length}" failures="${failures}" errors="0" time="${seconds}">\n${cases.join('\n')}\n</testsuite>\n`
  try {
    writeFileSync(file, xml)
  } catch (error) {
    throw usage(`--junit: "${file}" cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
}
