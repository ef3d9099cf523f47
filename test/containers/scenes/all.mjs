import { doctor } from './doctor.mjs'
import { ephemeral } from './ephemeral.mjs'
import { image } from './image.mjs'
import { outages } from './outages.mjs'
import { replicas, signals } from './processes.mjs'
import { standins } from './standins.mjs'

/** In this order. The database that the first one makes is used by the others, and each can do without the first. */
export const SCENES = [...ephemeral, ...image, ...signals, ...replicas, ...outages, ...doctor, ...standins]
