/** One test as JUnit's file tells it. */
export interface Case {
  readonly state: 'passed' | 'failed' | 'skipped'
  /** Its name, and what is said of a skip or a failure. */
  readonly text: string
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

export function casesOf(xml: string): Case[] {
  return [...xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)].map(
    ([, head = '', body = '']) => ({
      state: /<(failure|error)\b/.test(body) ? 'failed' : /<skipped\b/.test(body) ? 'skipped' : 'passed',
      text: `${head} ${body}`.replace(/&(lt|gt|amp|quot|apos);/g, (_, name) => ENTITIES[name] ?? ''),
    }),
  )
}
