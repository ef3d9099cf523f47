import type { CheckState } from './sampler.js'

export type Asked = 'livez' | 'readyz' | 'startupz'

export const ASKED: readonly Asked[] = ['livez', 'readyz', 'startupz']

export interface HealthReport {
  /** The worst of its checks. */
  readonly status: CheckState['state']
  readonly checks: readonly CheckState[]
}

export interface HealthAnswer {
  readonly status: 200 | 503
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * `ok`, or the list of checks where `?verbose` asks for it or something failed, in the form of Kubernetes' API server
 * (its documentation, "Kubernetes API health endpoints"); JSON where `accept` asks for it. Names and reasons, nothing else.
 */
export function answerOf(
  url: string,
  accept: string,
  report: (asked: Asked) => HealthReport,
): HealthAnswer | undefined {
  const [path = '', query = ''] = url.split('?', 2)
  const asked = ASKED.find(one => path === `/${one}` || path === `/${one}/`)
  if (!asked) return undefined
  const { status, checks } = report(asked)
  const long = status === 'failed' || new URLSearchParams(query).has('verbose')
  const json = /\bapplication\/(?:[\w.-]+\+)?json\b/i.test(accept)
  return {
    status: status === 'failed' ? 503 : 200,
    headers: {
      'content-type': json ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body: json ? `${JSON.stringify({ status, checks })}\n` : text(asked, status, checks, long),
  }
}

function text(asked: Asked, status: string, checks: readonly CheckState[], long: boolean): string {
  if (!long) return 'ok'
  const lines = checks.map(({ name, state, reason }) =>
    state === 'ok' ? `[+]${name} ok` : `[-]${name} ${state}: ${reason}`,
  )
  return [...lines, `${asked} check ${status === 'failed' ? 'failed' : 'passed'}`, ''].join('\n')
}

/** What describes the body that a route was about to send, and would break or misname another one. */
export const OF_ANOTHER_BODY = [
  ...['content-length', 'content-encoding', 'content-range', 'content-disposition', 'content-language'],
  ...['transfer-encoding', 'trailer', 'etag', 'last-modified', 'accept-ranges'],
]
