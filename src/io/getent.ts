import { execFile } from 'node:child_process'

/**
 * The addresses of a name by `getent ahosts`; undefined where the program cannot be run.
 * @throws what `getaddrinfo` would, or the signal's reason.
 */
export async function viaGetent(
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const { error, stdout } = await new Promise<{ error: { code?: unknown } | null; stdout: string }>(resolve =>
    execFile(path, ['ahosts', '--', name], { signal, killSignal: 'SIGKILL' }, (error, stdout) =>
      resolve({ error, stdout }),
    ),
  )
  signal.throwIfAborted()
  const found = [...stdout.matchAll(/^(\S+)\s+STREAM/gm)].map(([, address = '']) => address)
  if (found.length > 0) return found
  if (typeof error?.code === 'string') return undefined
  throw await failureOf(name, signal)
}

/** getent does not tell "no such name" from "the resolver failed": one cancellable query does. */
async function failureOf(name: string, signal: AbortSignal): Promise<Error> {
  const { Resolver } = await import('node:dns/promises')
  // A packet that was lost is sent again; the second wait is twice as long.
  const resolver = new Resolver({ timeout: 400, tries: 2 })
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  const code = await resolver
    .resolve4(name)
    .then(
      () => 'ENOTFOUND',
      (error: NodeJS.ErrnoException) => error.code ?? 'ENOTFOUND',
    )
    .finally(() => signal.removeEventListener('abort', cancel))
  signal.throwIfAborted()
  const temporary = code !== 'ENOTFOUND' && code !== 'ENODATA'
  return Object.assign(new Error(`getaddrinfo ${temporary ? 'EAI_AGAIN' : 'ENOTFOUND'} ${name}`), {
    code: temporary ? 'EAI_AGAIN' : 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname: name,
  })
}
