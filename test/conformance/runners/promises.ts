import { expect } from 'vitest'
import type { Face, Ran } from './face.js'
import type { FileName } from './files.js'

export type SceneName =
  | 'real'
  | 'stand-in'
  | 'skip'
  | 'failing'
  | 'wrong password'
  | 'set-up'
  | 'set-up, wrong password'

/** One promise of an adapter: over the files that it needs, in the world that it is about. */
export interface Promised {
  readonly promise: string
  readonly scene: SceneName
  readonly files: readonly FileName[]
  /** For runners that can do it only. */
  readonly where?: (face: Face) => boolean
  check(ran: Ran, world: World): void | Promise<void>
}

/** What a scene knows of its servers. */
export interface World {
  /** Rejected logins that the server of the scene has seen. */
  readonly rejectedLogins: () => number
  /** Databases of tests that are left on the server. */
  readonly databases: () => Promise<string[]>
  readonly drop: () => Promise<void>
}

/** What a file noted, without its name. */
const of = (ran: Ran, file: FileName) =>
  ran.marks.filter(mark => mark.startsWith(`${file} `)).map(mark => mark.slice(file.length + 1))
const states = (ran: Ran, ...names: string[]) =>
  names.map(name => ran.tests.find(test => test.name.includes(name))?.state ?? 'not told')
const textOf = (ran: Ran, name: string) =>
  ran.tests.find(test => test.name.includes(name))?.text ?? 'not told'
/** The lines of the reporter that name the test. */
const told = (ran: Ran, name: string) =>
  ran.output
    .split('\n')
    .filter(line => line.includes(name))
    .join('\n')

export const PROMISES: readonly Promised[] = [
  {
    promise: 'where the service is there, tests run on it, with all their hooks',
    scene: 'real',
    files: ['plain'],
    check(ran) {
      expect(of(ran, 'plain')).toEqual([
        'top: real',
        'beforeAll',
        'beforeEach',
        'test: real true true',
        'afterEach',
        'inner beforeAll',
        'beforeEach',
        'inner beforeEach',
        'inner test',
        'afterEach',
        'beforeEach',
        'inner beforeEach',
        'innermost test',
        'afterEach',
        'afterAll given',
      ])
    },
  },
  {
    promise: 'where everything is there, the run is green',
    scene: 'real',
    files: ['several', 'combined', 'needs', 'fixture'],
    check(ran) {
      expect(ran.status, ran.output).toBe(0)
      expect(of(ran, 'several')).toEqual(['real real'])
      expect(of(ran, 'combined')).toEqual(['real', 'first'])
      expect(of(ran, 'needs')).toEqual(['concurrency', 'tls'])
      expect(of(ran, 'fixture')).toEqual(['test: real true', 'both: real real', 'none'])
    },
  },
  {
    promise: 'in place of an absent service tests run on a stand-in, and it is said',
    scene: 'stand-in',
    files: ['plain', 'fixture'],
    check(ran) {
      expect(of(ran, 'plain')).toContain('test: stand-in true true')
      expect(of(ran, 'fixture')).toEqual(['test: stand-in true', 'both: real stand-in', 'none'])
      expect(ran.output).toMatch(/postgres.*stand-in.*PostgreSQL/)
    },
  },
  {
    promise: 'a test that is tried again gets its services again',
    scene: 'stand-in',
    files: ['retried'],
    where: face => face.name === 'vitest',
    check(ran) {
      expect(of(ran, 'retried')).toEqual(['try: stand-in', 'try: stand-in'])
      expect(states(ran, 'passes when it is tried again')).toEqual(['passed'])
    },
  },
  {
    promise: 'a block has its environment, and the block beside it the one that was given',
    scene: 'stand-in',
    files: ['block'],
    check(ran) {
      expect(of(ran, 'block').toSorted()).toEqual([
        'needing afterAll changed',
        'needing beforeAll changed',
        'needing test: stand-in changed',
        'other beforeAll given',
        'other test given',
        'top test',
      ])
    },
  },
  {
    promise: 'a stand-in that lacks what is needed is passed over, and the skip says so',
    scene: 'stand-in',
    files: ['needs'],
    check(ran) {
      expect(of(ran, 'needs')).toEqual(['concurrency'])
      expect(states(ran, 'works at the same time', 'is encrypted')).toEqual(['passed', 'skipped'])
      expect(textOf(ran, 'is encrypted')).toContain('tls')
    },
  },
  {
    promise: 'without the service no test and no hook of the file runs',
    scene: 'skip',
    files: ['plain'],
    check(ran) {
      expect(of(ran, 'plain')).toEqual(['top: skip'])
      expect(states(ran, 'is at the top', 'is inside', 'is further inside')).toEqual([
        'skipped',
        'skipped',
        'skipped',
      ])
    },
  },
  {
    promise: 'every skipped test has the reason, in the reporter and in JUnit output',
    scene: 'skip',
    files: ['plain', 'fixture'],
    check(ran) {
      for (const name of [
        'is at the top',
        'is inside',
        'is further inside',
        'asks for one',
        'asks for two',
      ]) {
        expect(textOf(ran, name)).toMatch(/postgres.*connection-refused/)
        expect(told(ran, name)).toMatch(/postgres.*connection-refused/)
      }
    },
  },
  {
    promise: 'a skip is no failure',
    scene: 'skip',
    files: ['plain', 'block', 'several', 'combined', 'fixture'],
    check(ran) {
      expect(ran.status, ran.output).toBe(0)
    },
  },
  {
    promise: 'a block that skips leaves the others alone',
    scene: 'skip',
    files: ['block'],
    check(ran) {
      expect(of(ran, 'block').toSorted()).toEqual(['other beforeAll given', 'other test given', 'top test'])
    },
  },
  {
    promise: 'of several services all must be there, and the reason names the one that is not',
    scene: 'skip',
    files: ['several', 'combined'],
    check(ran) {
      expect(of(ran, 'several')).toEqual([])
      expect(of(ran, 'combined')).toEqual(['first'])
      for (const name of ['needs both', 'needs both, one by one'])
        expect(textOf(ran, name)).toMatch(/postgres.*connection-refused/)
    },
  },
  {
    promise: 'a fixture skips the test that asks for it, and no other',
    scene: 'skip',
    files: ['fixture'],
    check(ran) {
      expect(of(ran, 'fixture')).toEqual(['none'])
      expect(states(ran, 'asks for one', 'asks for two', 'asks for none')).toEqual([
        'skipped',
        'skipped',
        'passed',
      ])
    },
  },
  ...(['stand-in', 'skip'] as const).map(
    (scene): Promised => ({
      promise: `the asynchronous form does the same: ${scene}`,
      scene,
      files: ['awaited', 'blockAwaited'],
      where: face => face.topLevelAwait,
      check(ran) {
        const runs = scene === 'stand-in' ? ['beforeAll', 'test: stand-in'] : []
        expect(of(ran, 'awaited')).toEqual(runs)
        expect(of(ran, 'blockAwaited')).toEqual([...runs, 'other test'])
      },
    }),
  ),
  ...(['real', 'stand-in'] as const).map(
    (scene): Promised => ({
      promise: `a test has a database of its own, and nothing of others in it: ${scene}`,
      scene,
      files: ['isolated'],
      check(ran) {
        const [first, second, ...rest] = of(ran, 'isolated').filter(mark => mark.startsWith('database '))
        expect([rest, first === second]).toEqual([[], false])
        expect(of(ran, 'isolated').filter(mark => !mark.startsWith('database '))).toEqual([
          'led true',
          'notes 1 true',
          'notes 1 true',
          'shared true false',
          'in a transaction 1',
        ])
        expect(ran.marks.filter(mark => mark === 'migrate ran')).toHaveLength(1)
      },
    }),
  ),
  {
    promise: 'the database of a test that failed is kept where that is asked for',
    scene: 'failing',
    files: ['failing'],
    async check(ran, { databases, drop }) {
      expect(states(ran, 'fails, and its database is kept')).toEqual(['failed'])
      const [mine = ''] = of(ran, 'failing').map(mark => mark.replace('database ', ''))
      expect(await databases()).toContain(mine)
      expect(ran.output).toMatch(
        new RegExp(`The database of the failed test is here: psql .* ${mine}\\. It stays`),
      )
      await drop()
    },
  },
  {
    promise: 'in a test or a hook requireServices fails that, and changes nothing',
    scene: 'failing',
    files: ['misplaced'],
    check(ran) {
      expect(of(ran, 'misplaced').toSorted()).toEqual(['afterwards given true', 'inside'])
      expect(states(ran, 'requires inside', 'comes afterwards')).toEqual(['failed', 'passed'])
      expect(states(ran, 'is behind the hook')).not.toEqual(['passed'])
      expect(ran.output).toContain(
        'requireServices belongs at the top of a test file or of a describe block, not into a test or a hook',
      )
    },
  },
  {
    promise: 'a service that is broken fails a test that is expected to fail, too',
    scene: 'wrong password',
    files: ['expected'],
    check(ran) {
      expect(of(ran, 'expected')).toEqual([])
      expect(states(ran, 'is known not to work')).toEqual(['failed'])
      expect(textOf(ran, 'is known not to work')).not.toContain('<skipped')
      expect(states(ran, 'nor does this')).not.toEqual(['passed'])
    },
  },
  {
    promise: 'so does a database that cannot be made',
    scene: 'failing',
    files: ['unmigrated'],
    // There such a test is one that is yet to be done.
    where: face => face.name !== 'node-test',
    check(ran) {
      expect(of(ran, 'unmigrated')).toEqual([])
      expect(states(ran, 'has no database')).toEqual(['failed'])
      expect(ran.output).toContain('no such column')
    },
  },
  {
    promise: 'a setting that there is not is refused, and no test runs on what others share',
    scene: 'failing',
    files: ['settings'],
    check(ran) {
      expect(of(ran, 'settings')).toEqual([
        'test.with: there is no setting "isolatoin"; did you mean isolation?; known: isolation, migrate, files, keepFailed, allowRemote, needs',
        'test.with: isolation: "databas" is not one of database, schema, transaction, none; did you mean database?',
      ])
    },
  },
  {
    promise: 'what a service is refused for is told without code of this package',
    scene: 'wrong password',
    files: ['plain'],
    check(ran) {
      expect(ran.output).not.toMatch(/Symbol\(holdfast|Serialized Error|kind: '|dist\/chunks/)
      expect(ran.output.split('\n').filter(line => line.length > 2_000)).toEqual([])
    },
  },
  {
    promise: "node's own tests do not pass without what their block requires, and subtests have services",
    scene: 'failing',
    files: ['ofNode'],
    where: face => face.name === 'node-test',
    check(ran) {
      expect(of(ran, 'ofNode').toSorted()).toEqual(['beside', 'subtest real', 'third function'])
      expect(states(ran, 'of node, beside', 'of node, inside', 'ours')).toEqual([
        'passed',
        'failed',
        'skipped',
      ])
      expect(states(ran, 'a subtest', 'another', 'is to come')).toEqual(['passed', 'skipped', 'skipped'])
      expect(states(ran, 'names what is not there')).toEqual(['failed'])
      expect(textOf(ran, 'names what is not there')).toContain('did you mean postgres?')
      expect(textOf(ran, 'of node, inside')).toContain("import { test } from 'holdfast/node-test'")
    },
  },
  {
    promise: 'a wrong password fails the file with the advice, without a test, after one login',
    scene: 'wrong password',
    files: ['plain'],
    check(ran, { rejectedLogins }) {
      expect(ran.status).not.toBe(0)
      expect(of(ran, 'plain')).toEqual([])
      expect(ran.output).toContain('authentication-failed')
      expect(ran.output).not.toContain('wrong-secret')
      expect(rejectedLogins()).toBe(1)
    },
  },
  {
    promise: 'a wrong password fails the block that needs it, and no other',
    scene: 'wrong password',
    files: ['block'],
    check(ran) {
      expect(of(ran, 'block').toSorted()).toEqual(['other beforeAll given', 'other test given', 'top test'])
      expect(ran.status).not.toBe(0)
      // Runners differ in what they tell of the tests of a block that fails.
      expect(states(ran, 'asks the database')).not.toEqual(['passed'])
      expect(states(ran, 'needs nothing')).toEqual(['passed'])
    },
  },
  {
    promise:
      'with the set-up of a whole run stand-ins are there before the first file, and gone after the last',
    scene: 'set-up',
    files: ['plain', 'several'],
    check(ran) {
      expect(ran.status, ran.output).toBe(0)
      expect(of(ran, 'plain')).toContain('test: stand-in true true')
    },
  },
  {
    promise: 'the set-up of a whole run fails once, with the advice, before any file',
    scene: 'set-up, wrong password',
    files: ['plain', 'several'],
    check(ran, { rejectedLogins }) {
      expect(ran.status).not.toBe(0)
      expect(ran.marks).toEqual([])
      expect(ran.output.match(/authentication-failed/g)).toHaveLength(1)
      expect(rejectedLogins()).toBe(1)
    },
  },
  ...(['real', 'stand-in', 'skip', 'wrong password', 'set-up', 'set-up, wrong password'] as const).map(
    (scene): Promised => ({
      promise: `nothing is left: ${scene}`,
      scene,
      files: [],
      async check(ran, { databases }) {
        expect(ran.left).toEqual([])
        expect(await databases()).toEqual([])
      },
    }),
  ),
]
