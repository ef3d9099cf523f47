import { parseTarget } from '../../core/target.js'
import type { DatabaseAddress } from '../../isolate/client.js'
import { configOf } from '../../isolate/face.js'
import { Schemas } from '../../isolate/schemas.js'
import { loadService, SCHEMES } from '../../services/registry.js'
import { addressOf } from './address.js'
import type { Origin } from './leading.js'
import { type Migrate, migrate } from './migrate.js'

interface Settings {
  readonly migrate?: Migrate | undefined
  readonly keepFailed?: boolean | undefined
  readonly cwd?: string | undefined
  readonly allowRemote?: readonly string[] | undefined
  readonly suite?: string | undefined
  readonly test?: string | undefined
}

const known = new Map<string, Promise<{ schemas: Schemas; database: DatabaseAddress }>>()

/** An empty schema in the provided database, migrated for this test alone, and dropped after it. */
export async function bySchema(origin: Origin, settings: Settings) {
  const { url } = origin
  const { allowRemote = [], cwd = process.cwd(), keepFailed, suite, test } = settings
  const key = JSON.stringify([url, allowRemote])
  const found = known.get(key) ?? open(url, allowRemote)
  known.set(key, found)
  found.catch(() => known.delete(key))
  const { schemas, database } = await found
  const name = await schemas.make()
  // Not with `public` behind it: a migration tool would find its own table there, and do nothing.
  const address = addressOf(database, `-c search_path=${name}`)
  try {
    await migrate(settings.migrate, address, cwd, origin)
    if (settings.migrate !== undefined) await schemas.refuseExtensions(name)
  } catch (error) {
    await schemas.drop(name).catch(() => {})
    throw error
  }
  return {
    ...{ name, ...address },
    async release({ failed }: { readonly failed: boolean }) {
      if (!failed || !keepFailed) {
        await schemas.drop(name)
        return undefined
      }
      await schemas.keep(name, { ...(suite ? { suite } : {}), ...(test ? { test } : {}) })
      return `The schema ${name} of the failed test stays for 7 days, or until: DROP SCHEMA ${name} CASCADE`
    },
  }
}

async function open(url: string, allowRemote: readonly string[]) {
  const target = parseTarget(url, { schemes: SCHEMES, source: 'isolation' })
  const schemas = new Schemas({ target, service: await loadService(target.service) }, allowRemote)
  return { schemas, database: configOf(target, target.database ?? target.user ?? '') }
}
