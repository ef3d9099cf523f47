import { join } from 'node:path'
import { root } from './project.js'
import type { Runner } from './runner.js'

/** `holdfast test -- pytest`. */
export const pytest: Runner = {
  name: 'pytest',
  packages: [],
  project: {},
  decides: 'before',
  file: n => ({
    name: `test_${n}.py`,
    text: `import os
import psycopg
import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("HOLDFAST_TARGET_POSTGRES") == "skip", reason=os.environ.get("HOLDFAST_TARGET_POSTGRES_REASON", "")
)


def test_reads_${n}():
    with psycopg.connect(os.environ["DATABASE_URL"], application_name="suite") as connection:
        assert connection.execute("SELECT ${n}").fetchone() == (${n},)
`,
  }),
  command: junit => [
    process.execPath,
    join(root, 'dist/cli.cjs'),
    'test',
    '--',
    ...['/usr/bin/python3', '-m', 'pytest', '-rs', `--junitxml=${junit}`],
  ],
}
