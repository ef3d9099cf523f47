import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { usage } from '../../core/errors.js'
import { redactPath } from '../../core/redact.js'
import { adviceOf } from '../../core/verdict.js'
import type { WaitResult } from '../../gate/outcome.js'

/** Without what is no Char of XML 1.0 (section 2.2), and cannot be escaped either. */
export const escapeXml = (text: string): string =>
  text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

/** Whether a report can be written, asked before a wait begins whose result would be lost. */
export function checkWritable(file: string): void {
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK)
    if (existsSync(file) && statSync(file).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' })
  } catch (error) {
    throw unwritable(file, error)
  }
}

const unwritable = (file: string, error: unknown): Error =>
  usage(`--junit: "${redactPath(file)}" cannot be written (${(error as NodeJS.ErrnoException).code})`)

/** A test suite with one case a target, and `more` cases after them. */
export function writeJunit(
  file: string,
  verb: string,
  result: WaitResult,
  more: readonly string[] = [],
): void {
  const targets = result.outcomes.map(({ target, verdict, state, readyAfterMs }) => {
    const seconds = ((readyAfterMs ?? result.durationMs) / 1000).toFixed(3)
    const head = `  <testcase classname="holdfast.${verb}" name="${escapeXml(target.name)}" time="${seconds}"`
    if (verdict.ready || state === 'gone') return `${head}/>`
    const { finding, layer } = verdict
    // With --any, one that was not needed has not failed.
    if (result.ok) return `${head}>\n    <skipped message="${escapeXml(finding.message)}"/>\n  </testcase>`
    const text = `${target.address}: ${layer}: ${finding.message}\n${adviceOf(finding)}`
    return `${head}>\n    <failure type="${finding.reason}" message="${escapeXml(finding.message)}">${escapeXml(text)}</failure>\n  </testcase>`
  })
  writeSuite(file, verb, [...targets, ...more], result.durationMs)
}

/** Writes the suite of these cases. */
export function writeSuite(file: string, verb: string, cases: readonly string[], durationMs: number): void {
  const count = (tag: string) => cases.filter(text => text.includes(`<${tag} `)).length
  const seconds = (durationMs / 1000).toFixed(3)
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="holdfast ${verb}" tests="${cases.length}" failures="${count('failure')}" errors="0" skipped="${count('skipped')}" time="${seconds}">\n${cases.join('\n')}\n</testsuite>\n`
  try {
    writeFileSync(file, xml)
  } catch (error) {
    throw unwritable(file, error)
  }
}
