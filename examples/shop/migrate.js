import { configOrExit } from './config.js'
import { migrate } from './migrations.js'

await migrate(configOrExit())
