import { ephemeral } from './ephemeral.mjs'
import { outages } from './outages.mjs'

/** In this order: the first one makes the database and the Redis that the others use. */
export const SCENES = [...ephemeral, ...outages]
