// biome-ignore-start lint/suspicious/noTsIgnore: of a driver that is not installed the types are `any`, for who imports these
/** @ts-ignore */
import type { Redis } from 'ioredis'
/** @ts-ignore */
import type { RedisClientType } from 'redis'
// biome-ignore-end lint/suspicious/noTsIgnore: see above
import { usage } from '../core/errors.js'
import { targetOf } from '../gate/address.js'
import { limitsOf, retrying } from './again.js'
import { isMissing, peer } from './checked.js'
import { guarded, ioredisOptions, openIoredis, type RedisClass } from './redis/ioredis.js'
import { type CreateClient, openNodeRedis } from './redis/node-redis.js'
import { placeOf, type RedisOptions, redisLimits } from './redis/options.js'
import { told } from './told.js'

export type { Told } from './told.js'
export type { RedisOptions }

/**
 * A connected client of Redis or Valkey: ioredis' or node-redis' own, so that existing code works. Attempts are repeated by the table;
 * a lost connection is made again. No command is sent twice, each ends in time, and its error carries `holdfast`: reason, phase, outcome.
 * @param target `redis://user:password@host:6379/0`, `rediss://`, `redis+unix:///run/redis.sock`, `env:REDIS_URL`.
 * @throws HoldfastError (usage) for an address or option that cannot be used or a driver that is not installed; the driver's error, told.
 */
export async function connect(
  target: string,
  options: RedisOptions & ({ readonly driver: 'redis' } | { readonly createClient: unknown }),
): Promise<RedisClientType>
export async function connect(target: string, options?: RedisOptions): Promise<Redis>
export async function connect(target: string, options: RedisOptions = {}): Promise<Redis | RedisClientType> {
  const own = redisLimits(options)
  const parsed = targetOf(target, 'redis')
  const place = placeOf(parsed, options)
  const limits = { ...limitsOf(options), ...own }
  const name = options.name ?? parsed.name
  const { settings } = options
  const open = opener(await driverOf(options))
  return retrying(async (_, signal) => {
    try {
      return await open.connect(signal)
    } catch (error) {
      throw signal.aborted ? error : told(error, { driver: open.driver, phase: 'connect' })
    }
  }, options)

  function opener(driver: Chosen) {
    if (driver.name === 'redis')
      return {
        driver: driver.name,
        connect: (signal: AbortSignal) =>
          openNodeRedis(driver.createClient, place, { name, limits, settings }, signal),
      }
    const Class = guarded(driver.Redis, name, limits)
    const all = ioredisOptions(place, limits, settings)
    return { driver: driver.name, connect: (signal: AbortSignal) => openIoredis(Class, all, signal) }
  }
}

type Chosen =
  | { readonly name: 'ioredis'; readonly Redis: RedisClass }
  | { readonly name: 'redis'; readonly createClient: CreateClient }

async function driverOf({ driver, Redis, createClient }: RedisOptions): Promise<Chosen> {
  if (Redis && createClient)
    throw usage('holdfast/redis: Redis and createClient are given; one driver is needed')
  if (Redis) return { name: 'ioredis', Redis: Redis as RedisClass }
  if (createClient) return { name: 'redis', createClient: createClient as CreateClient }
  if (driver === 'redis') return nodeRedis()
  if (driver === 'ioredis') return peer('holdfast/redis', 'ioredis', ioredis)
  try {
    return await ioredis()
  } catch (error) {
    if (!isMissing(error, 'ioredis')) throw error
    return nodeRedis()
  }
}

const ioredis = async (): Promise<Chosen> => ({
  name: 'ioredis',
  Redis: (await import('ioredis')).Redis as unknown as RedisClass,
})

const nodeRedis = (): Promise<Chosen> =>
  peer('holdfast/redis', 'redis', async () => ({
    name: 'redis',
    createClient: (await import('redis')).createClient as unknown as CreateClient,
  }))
