import { pytest } from './pytest.js'
import type { Runner } from './runner.js'

export const RUNNERS: readonly Runner[] = [pytest]
