import type { Service } from '../../core/service.js'

/** A port that accepts, and with `tls://` completes a TLS handshake. The template for a new service. */
export const tcp: Service = {
  name: 'tcp',
  abilities: [],
  classify: () => undefined,
  async open(target, attempt) {
    const link = await attempt.connect()
    if (target.tls.mode !== 'disable') await attempt.step('tls', () => link.startTls())
    return {
      server: { product: 'TCP' },
      closed: link.closed,
      close: async () => link.close(),
    }
  },
}
