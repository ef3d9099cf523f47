const { exports: entries } = require('./package.json')

/** src/index.ts and the files behind the other subpaths: they stand on top of everything. */
const ENTRIES = Object.values(entries)
  .filter(target => typeof target === 'object')
  .map(target => `^${target.types.replace(/^\.\/dist\/types\/(.+)\.d\.c?ts$/, 'src/$1')}\\.ts$`)

/** Tests stand beside the file that they are about, and may reach for whatever they need. */
const TESTS = '\\.(test|bench)\\.ts$'

/**
 * The rooms, and what each may import besides itself. `services` here means the contract and what lies
 * directly in src/services; one service's own folder is open to `cli` and `chaos` alone.
 */
const ROOMS = {
  core: [],
  wire: ['core'],
  model: ['core'],
  io: ['core'],
  services: ['io', 'wire', 'core'],
  journal: ['io', 'core'],
  config: ['io', 'core'],
  gate: ['journal', 'services', 'model', 'io', 'wire', 'core'],
  targets: ['config', 'gate', 'services', 'io', 'core'],
  isolate: ['gate', 'services', 'io', 'core'],
  start: ['config', 'gate', 'journal', 'services', 'model', 'io', 'core'],
  client: ['gate', 'journal', 'services', 'io', 'core'],
  standin: ['gate', 'journal', 'services', 'io', 'wire', 'core'],
  testing: ['config', 'targets', 'isolate', 'client', 'standin', 'gate', 'journal', 'services', 'io', 'core'],
  watch: ['config', 'start', 'client', 'standin', 'gate', 'journal', 'services', 'io', 'core'],
  chaos: ['client', 'standin', 'services', 'io', 'wire', 'core'],
  lint: ['model', 'io', 'core'],
}

const WHY = {
  core: 'Core is what is true of every connection, without doing anything. Put what acts into io/, and hand its result in.',
  wire: 'Codecs turn bytes into messages and back. Whoever holds the socket (a service, the proxy, a stand-in) calls the codec.',
  model:
    'The model of Compose files, workflows and Dockerfiles is text with positions. Read files in the caller (lint, start, gate/discover, cli) and hand in their text.',
  io: 'io/ offers sockets, clock, children and files, and knows no database. What knows one belongs into services/.',
  services:
    'A service knows one wire or one driver. It receives its connection as an Attempt (core/service.ts); what decides about verdicts belongs into gate/ or above.',
  journal: 'The journal stores what it is given. Whoever made a verdict or a decision writes it down.',
  gate: 'The gate takes a Service and decides only about waiting. Move what a start, a client or a test does with the answer into its own room; ask services/registry.ts for a service instead of its folder.',
  targets:
    'targets/ turns arguments, configuration and environment into targets, for every verb and every adapter. What is done with a target belongs into the room that does it.',
  isolate:
    'isolate/ gives each test a database of its own on a server that it is handed. Which server that is, the ladder (standin/) and testing/ decide.',
  start:
    'start/ is the way into production: it takes services from the gate, and never meets a client, a stand-in or a test.',
  client:
    'client/ runs inside production programs: it takes a Service, and never meets a start-up stage, a stand-in or a test.',
  standin:
    'Stand-ins serve the ladder. What uses them (testing, chaos, cli) imports them, not the other way round.',
  testing:
    'The adapters for test runners stand on stand-ins, client and start. What the command line adds belongs into cli/.',
  watch:
    'watch/ shows what the journal and the gate know. Tests and chaos write to the journal instead of being imported.',
  chaos:
    'chaos/ stands on client, standin, services, io and wire. What it shares with the gate or the start belongs into core/.',
  lint: 'Rules look at the model and at core’s tables. What needs a connection is doctor’s work.',
}

const stays = Object.keys(ROOMS).map(room => ({
  name: `${room}-stays-in-its-place`,
  severity: 'error',
  comment: WHY[room],
  from: { path: `^src/${room}/`, pathNot: [TESTS, ...ENTRIES] },
  to: { path: '^src/', pathNot: [room, ...ROOMS[room]].map(name => `^src/${name}/`) },
}))

module.exports = {
  forbidden: [
    ...stays,
    {
      name: 'core-is-pure',
      severity: 'error',
      comment:
        'No Node module and no package in core: it must run in a browser, in a test without a machine, anywhere. Take a plain value as an argument, and read clocks, sockets and files in io/.',
      from: { path: '^src/core/', pathNot: TESTS },
      to: { pathNot: '^src/' },
    },
    {
      name: 'production-meets-no-stand-in',
      severity: 'error',
      comment:
        'start/, client/ and gate/ run in production, where no embedded database may ever answer, not even through a file in between. Let testing/, chaos/ or cli/ bring the two together.',
      from: { path: '^src/(start|client|gate)/', pathNot: TESTS },
      to: { path: '^src/(standin|testing)/', reachable: true },
    },
    {
      name: 'network-in-one-place',
      severity: 'error',
      comment:
        'Only services/, io/ and chaos/proxy.ts touch net, tls, dns and dgram: everything else takes a Link or an Attempt (core/service.ts), so that each connection is timed, signalled and closed in one place.',
      from: { path: '^src/', pathNot: ['^src/(services|io)/', '^src/chaos/proxy\\.ts$', TESTS] },
      to: { path: '^(node:)?(net|tls|dns|dgram)(/|$)' },
    },
    {
      name: 'services-know-only-themselves',
      severity: 'error',
      comment:
        'Never one service from another: what two share is a codec (wire/), a helper in core/, or a file directly in src/services/ (the registry and classify.ts stand above the services).',
      from: { path: '^src/services/([^/]+)/', pathNot: TESTS },
      to: {
        path: '^src/services/',
        pathNot: ['^src/services/$1/', '^src/services/(?!registry\\.ts$|classify\\.ts$)[^/]+\\.ts$'],
      },
    },
    {
      name: 'services-are-behind-the-registry',
      severity: 'error',
      comment:
        'A service’s folder is imported by services/registry.ts alone (and by chaos/ and cli/). Take a Service as an argument, or ask the registry; ask services/classify.ts what an error means.',
      from: {
        path: '^src/',
        pathNot: [
          '^src/services/[^/]+/',
          '^src/services/registry\\.ts$',
          // The one file that knows how all services' errors are read; see the rule below.
          '^src/services/classify\\.ts$',
          '^src/(chaos|cli)/',
          TESTS,
          ...ENTRIES,
        ],
      },
      to: { path: '^src/services/[^/]+/' },
    },
    {
      name: 'classify-takes-rules-only',
      severity: 'error',
      comment:
        'services/classify.ts is pure: of a service it takes the rules in its drivers.ts (or classify.ts, while no probe loads that), never what opens a connection.',
      from: { path: '^src/services/classify\\.ts$' },
      to: { path: '^src/services/', pathNot: '^src/services/[^/]+/(classify|drivers)\\.ts$' },
    },
    {
      name: 'the-registry-is-lazy',
      severity: 'error',
      comment:
        'The registry imports a service when somebody asks for its scheme: `() => import(...)`. A static import would load every driver at each start.',
      from: { path: '^src/services/registry\\.ts$' },
      to: { path: '^src/services/[^/]+/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-the-gate-asks-the-registry',
      severity: 'error',
      comment:
        'A feature takes a Service. Resolve the target in gate/, targets/, testing/ or cli/ and hand the Service in.',
      from: { path: '^src/', pathNot: ['^src/(gate|targets|testing|cli)/', TESTS, ...ENTRIES] },
      to: { path: '^src/services/registry\\.ts$' },
    },
    {
      name: 'faults-stand-on-core',
      severity: 'error',
      comment:
        'A fault sees messages and decides: pass, late, replace, cut. What needs a socket or a codec belongs into chaos/proxy.ts, which knows no fault by name.',
      from: { path: '^src/chaos/faults/', pathNot: TESTS },
      to: { pathNot: ['^src/core/', '^src/chaos/faults/'] },
    },
    {
      name: 'entries-are-on-top',
      severity: 'error',
      comment:
        'The package’s entry files are for users. Import the thing from the file that has it, not through the face of the library.',
      from: { path: '^src/', pathNot: [TESTS, ...ENTRIES] },
      to: { path: ENTRIES },
    },
    {
      name: 'nothing-imports-the-command-line',
      severity: 'error',
      comment:
        'cli/ is on top and thin. Move what two verbs or the library need into the room that it is about.',
      from: { path: '^src/', pathNot: ['^src/cli/', TESTS] },
      to: { path: '^src/cli/' },
    },
    {
      name: 'no-barrels',
      severity: 'error',
      comment:
        'Nothing re-exports but the package’s entry files: import from the file that has the thing, so that a reader finds it in one step.',
      from: { path: '^src/', pathNot: ENTRIES },
      to: { path: '^src/', dependencyTypes: ['export'] },
    },
    {
      name: 'no-circles',
      severity: 'error',
      comment:
        'Nothing cyclic, type imports included. Move what both need into a third file, most often a type into the file that is further down.',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      comment: 'The product imports no test and nothing of test/. Move what both need into src/.',
      from: { path: '^src/', pathNot: TESTS },
      to: { path: ['^test/', TESTS] },
    },
    {
      name: 'users-have-it',
      severity: 'error',
      comment:
        'What src/ imports is there for users: a dependency, an optional peer, bundled (yaml, zod), or given by Jest itself (@jest/globals). Declare it in package.json, or declare the part of its shape that you need, as a type.',
      from: { path: '^src/', pathNot: TESTS },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'npm-peer'],
        pathNot: 'node_modules/(yaml|zod|@jest/globals)/',
      },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      comment: 'An import that leads nowhere. Relative imports in src/ end in `.js`.',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^test/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.d.ts', '.json'],
    },
  },
}
