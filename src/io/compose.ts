import { dirname, join, resolve } from 'node:path'
import { textOf } from './libpqfiles.js'

/** The files that `docker compose` takes by themselves, in its order. Source: Compose specification, "The Compose file". */
const FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']

/** The names of the services in the nearest Compose file from `folder` upward; none where there is no readable one. */
export async function composeServices(
  folder: string,
): Promise<{ file: string; names: readonly string[] } | undefined> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    for (const name of FILES) {
      const file = join(at, name)
      const text = textOf(file)
      if (text !== undefined) return { file, names: await namesIn(text) }
    }
    if (at === dirname(at)) return undefined
  }
}

async function namesIn(text: string): Promise<string[]> {
  const { parse } = await import('yaml')
  try {
    const services: unknown = parse(text)?.services
    return typeof services === 'object' && services !== null ? Object.keys(services) : []
  } catch {
    return []
  }
}
