import { startPeer } from '../support/peer.js'
import { silent } from '../support/peers.js'
import type { Subject } from './subject.js'

const speechless = { exempt: 'it asks nothing: a port that accepts, or completes a TLS handshake, is ready' }

export const tcp: Subject = {
  name: 'tcp',
  product: 'TCP',
  version: undefined,
  abilities: [],
  faces: [
    { label: 'tcp://', tls: false, address: at => `tcp://${at.host}:${at.port}`, waits: undefined },
    { label: 'tls://', tls: true, address: at => `tls://${at.host}:${at.port}`, waits: 'tls' },
  ],
  async start() {
    const peer = await startPeer(silent)
    const place = { host: peer.host, port: peer.port }
    return { place, address: `tcp://${place.host}:${place.port}`, kill: peer.close, remove: peer.close }
  },
  spoken: speechless,
  credentials: speechless,
  starting: speechless,
  full: speechless,
  mourns: true,
  tells: speechless,
  stalls: [],
}
