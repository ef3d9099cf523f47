import { run, show, tool } from './run.mjs'

async function step(name, command, ...args) {
  const { status, output, ms } = await run(command, args)
  const result = { name, ok: status === 0, output, ms }
  show(result)
  return result
}

export const build = () => step('build', process.execPath, 'scripts/build.mjs')

/** The tools that look at the sources, all at once; each tells its result when it has one. */
export const sources = () =>
  Promise.all([
    step('types', tool('tsc'), '--noEmit'),
    step('format and lint', tool('biome'), 'check', '--error-on-warnings', '.'),
    step(
      'arrows',
      tool('depcruise'),
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'err-long',
      'src',
    ),
    step('unused', tool('knip'), '--no-progress'),
    step('generated docs', process.execPath, 'scripts/docs.mjs', '--check'),
  ])

/** What looks at the built package. */
export const packaged = () => step('package', tool('publint'), 'run', '--strict', '.')
