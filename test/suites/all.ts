import { jest, nodeTest, vitest } from './javascript.js'
import { pytest } from './pytest.js'
import type { Runner } from './runner.js'

export const RUNNERS: readonly Runner[] = [vitest, jest, nodeTest, pytest]
