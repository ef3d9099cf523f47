import { setTimeout as delay } from 'node:timers/promises'
import { probe } from '../../../src/index.js'
import { type Reply, RespError } from '../../../src/wire/resp.js'
import { type RespClient, respClient } from '../../support/resp.js'
import type { StandInSubject } from './subject.js'

type Command = readonly (string | Uint8Array)[]

async function connected<T>(url: string, use: (client: RespClient) => Promise<T>): Promise<T> {
  const client = await respClient(url)
  try {
    return await use(client)
  } finally {
    client.close()
  }
}

/** The replies to some commands; an error as its code. */
const replies =
  (...commands: readonly (string | Command)[]) =>
  (url: string) =>
    connected(url, async client => {
      const all: unknown[] = []
      for (const one of commands) {
        all.push(plain(await client.ask(...(typeof one === 'string' ? one.split(' ') : one))))
      }
      return all
    })

const plain = (reply: Reply): unknown => {
  if (reply instanceof RespError) return `-${reply.code}`
  return Array.isArray(reply) ? reply.map(one => plain(one as Reply)) : reply
}

/** Do all of them answer without an error? */
const all =
  (...commands: readonly (string | Command)[]) =>
  async (url: string) =>
    (await replies(...commands)(url)).every(reply => !String(reply).startsWith('-'))

const waitFor = <T>(promise: Promise<T>) => Promise.race([promise, delay(1_000, undefined, { ref: false })])

export const redis: StandInSubject = {
  service: 'redis',
  rungs: ['system-redis', 'container', 'ioredis-mock'],
  keep: (url, name) => replies(`SET ${name} 1`)(url).then(() => {}),
  has: async (url, name) => (await replies(`GET ${name}`)(url))[0] === '1',
  capabilities: {
    streams: all('XADD s * a 1', 'XLEN s', 'XRANGE s - +'),
    'blocking-pops': all('BLPOP none 0.01', 'BRPOP none 0.01', 'BZPOPMIN none 0.01'),
    scripts: url =>
      connected(url, async client => {
        const sha = await client.ask('SCRIPT', 'LOAD', `return redis.error_reply('OWN no')`)
        const reply = await client.ask('EVALSHA', String(sha), '0')
        return reply instanceof RespError && reply.code === 'OWN'
      }),
    functions: all(
      ['FUNCTION', 'LOAD', `#!lua name=l\nredis.register_function('f', function() return 1 end)`],
      'FCALL f 0',
    ),
    'client-commands': all('CLIENT LIST', 'CLIENT ID', 'CLIENT NO-EVICT on'),
    'server-commands': all('CONFIG GET maxmemory', 'SLOWLOG GET', 'MEMORY USAGE none', 'SAVE'),
    acl: all('ACL SETUSER one on >secret ~* +@all', 'AUTH one secret'),
    resp3: all('HELLO 3'),
    'keyspace-events': url =>
      connected(url, listener =>
        connected(url, async client => {
          await client.ask('CONFIG', 'SET', 'notify-keyspace-events', 'KEA')
          await listener.ask('SUBSCRIBE', '__keyspace@0__:k')
          await client.ask('SET', 'k', '1')
          return (await waitFor(listener.next())) !== undefined
        }),
      ),
    'binary-keys': async url =>
      (
        await replies(
          ['SET', Buffer.from([0xff]), '1'],
          ['SET', Buffer.from([0xfe]), '2'],
          ['GET', Buffer.from([0xff])],
        )(url)
      )[2] === '1',
    hyperloglog: all('PFADD h a b', 'PFCOUNT h'),
    geo: all('GEOADD g 13.4 52.5 Berlin', 'GEODIST g Berlin Berlin'),
    'copy-sort-dump': all(
      'RPUSH l 2 1',
      'SORT l',
      'COPY l m',
      'DUMP l',
      'BITFIELD b SET u8 0 1',
      'BITOP NOT c b',
    ),
    'exact-errors': async url =>
      (await replies('SET k 1', 'EXPIRE k soon', 'SET k 1 XX NX', 'SETRANGE k -1 x')(url)).join() ===
      'OK,-ERR,-ERR,-ERR',
    cluster: async url => (await replies('CLUSTER SHARDS')(url))[0] !== '-ERR',
    tls: async url => (await probe(url.replace('redis:', 'rediss:'))).ready,
  },
  ordinary: {
    'strings are set, with conditions, counted and read': [
      replies(
        'SET a 1',
        'SET a 2 NX',
        'INCR a',
        'INCRBYFLOAT a 0.5',
        'APPEND a 0',
        'MGET a b',
        'GETDEL a',
        'EXISTS a',
      ),
      ['OK', null, 2, '2.5', 4, ['2.50', null], '2.50', 0],
    ],
    'values may be any bytes': [
      replies(['SET', 'v', Buffer.from([0, 13, 10, 0xc3, 0xa4])], 'STRLEN v', 'GET v'),
      ['OK', 5, '\0\r\nä'],
    ],
    hashes: [
      replies('HSET h f 1 g 2', 'HINCRBY h f 5', 'HGETALL h', 'HMGET h f x', 'HDEL h f', 'HLEN h'),
      [2, 6, ['f', '6', 'g', '2'], ['6', null], 1, 1],
    ],
    lists: [
      replies('RPUSH l a b c', 'LPOP l', 'LRANGE l 0 -1', 'LINDEX l -1', 'LREM l 0 b', 'LLEN l', 'LPOP none'),
      [3, 'a', ['b', 'c'], 'c', 1, 1, null],
    ],
    sets: [
      replies('SADD s a b', 'SISMEMBER s a', 'SCARD s', 'SREM s a', 'SMEMBERS s', 'SADD s b'),
      [2, 1, 2, 1, ['b'], 0],
    ],
    'sorted sets': [
      replies(
        'ZADD z 1 a 2 b',
        'ZINCRBY z 5 a',
        'ZRANGE z 0 -1 WITHSCORES',
        'ZSCORE z a',
        'ZRANK z a',
        'ZREM z a',
        'ZCARD z',
      ),
      [2, '6', ['b', '2', 'a', '6'], '6', 1, 1, 1],
    ],
    'keys expire': [
      replies('SET e 1 PX 100000', 'TTL e', 'PERSIST e', 'TTL e', 'EXPIRE e 0', 'GET e', 'TYPE e', 'TTL e'),
      ['OK', 100, 1, -1, 1, null, 'none', -2],
    ],
    'a wrong type is an error, and changes nothing': [
      replies(
        'SET w 1',
        'LPUSH w x',
        'HSET w f 1',
        'SADD w a',
        'ZADD w 1 a',
        'RPUSH wl a',
        'GET wl',
        'INCR wl',
        'GET w',
      ),
      ['OK', '-WRONGTYPE', '-WRONGTYPE', '-WRONGTYPE', '-WRONGTYPE', 1, '-WRONGTYPE', '-WRONGTYPE', '1'],
    ],
    'what is no number is not counted': [
      replies(
        'SET n x',
        'INCR n',
        'INCRBY n 1.5',
        'INCRBYFLOAT n 1',
        'HSET nh f x',
        'HINCRBY nh f 1',
        'GET n',
      ),
      ['OK', '-ERR', '-ERR', '-ERR', 1, '-ERR', 'x'],
    ],
    'an unknown command and a wrong number of words are errors': [
      replies('NOSUCH', 'GET', 'SET a', 'CONSTRUCTOR', 'GET a b', 'PING'),
      ['-ERR', '-ERR', '-ERR', '-ERR', '-ERR', 'PONG'],
    ],
    'a transaction runs as a whole, or not at all': [
      replies(
        'MULTI',
        'SET t 1',
        'INCR t',
        'EXEC',
        'MULTI',
        'SET t 9',
        'NOSUCH',
        'EXEC',
        'MULTI',
        'SET t 8',
        'DISCARD',
        'GET t',
      ),
      ['OK', 'QUEUED', 'QUEUED', ['OK', 2], 'OK', 'QUEUED', '-ERR', '-EXECABORT', 'OK', 'QUEUED', 'OK', '2'],
    ],
    'a watched key that another connection changed stops the transaction': [
      url =>
        connected(url, one =>
          connected(url, async other => {
            await one.ask('WATCH', 'x')
            await other.ask('SET', 'x', '1')
            await one.ask('MULTI')
            await one.ask('SET', 'x', '2')
            return [await one.ask('EXEC'), await one.ask('GET', 'x')]
          }),
        ),
      [null, '1'],
    ],
    'a message reaches channel and pattern': [
      url =>
        connected(url, one =>
          connected(url, async other => {
            const joined = [await one.ask('SUBSCRIBE', 'news'), await one.ask('PSUBSCRIBE', 'n[a-f]w?')]
            const received = await other.ask('PUBLISH', 'news', 'now')
            return [joined, received, await one.next(), await one.next()]
          }),
        ),
      [
        [
          ['subscribe', 'news', 1],
          ['psubscribe', 'n[a-f]w?', 2],
        ],
        2,
        ['message', 'news', 'now'],
        ['pmessage', 'n[a-f]w?', 'news', 'now'],
      ],
    ],
    'databases are apart': [
      replies('SET d 1', 'SELECT 1', 'GET d', 'SET d 2', 'SELECT 0', 'GET d', 'SELECT 99'),
      ['OK', 'OK', null, 'OK', 'OK', '1', '-ERR'],
    ],
    'a script reads and writes': [
      replies(
        'SET k 1',
        ['EVAL', `redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])`, '1', 'k', 'v'],
        'GET k',
      ),
      ['OK', 'v', 'v'],
    ],
    'keys are scanned': [
      replies('FLUSHALL', 'MSET p:1 a p:2 b q c', 'SCAN 0 MATCH q COUNT 100', 'DBSIZE'),
      ['OK', 'OK', ['0', ['q']], 3],
    ],
    'without the password there is nothing but errors': [
      url => replies('GET a', 'AUTH wrong', 'PING')(url.replace(/\/\/.*@/, '//')),
      ['-NOAUTH', '-WRONGPASS', '-NOAUTH'],
    ],
  },
}
