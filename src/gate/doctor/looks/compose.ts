import { dirname, join, resolve } from 'node:path'
import { textOf } from '../../../io/text.js'
import { COMPOSE_FILES } from '../../../model/compose-files.js'

/** The names of the services in the nearest Compose file from `folder` upward; none where there is no readable one. */
export async function composeServices(
  folder: string,
): Promise<{ file: string; names: readonly string[] } | undefined> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    for (const name of COMPOSE_FILES) {
      const file = join(at, name)
      const text = textOf(file)
      if (text !== undefined) return { file, names: await namesIn(text) }
    }
    if (at === dirname(at)) return undefined
  }
}

async function namesIn(text: string): Promise<string[]> {
  const { parseCompose } = await import('../../../model/compose.js')
  try {
    return [...parseCompose(text).services.keys()]
  } catch {
    return []
  }
}
