import { randomUUID } from 'node:crypto'
import { type Link, LinkError, ProbeError, type Session } from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import { systemClock } from '../../io/clock.js'
import { untilAborted } from '../../io/resolve.js'
import {
  beginsConnack,
  disconnect,
  type MqttPacket,
  MqttSyntaxError,
  type MqttVersion,
  pingreq,
  puback,
  publish,
  readPacket,
  subscribe,
  unsubscribe,
} from '../../wire/mqtt.js'
import { mismatch } from '../mismatch.js'
import { codeFinding } from './classify.js'

type Packet<T extends MqttPacket['type']> = Extract<MqttPacket, { type: T }>

/** How long a broker may take to deliver what it has acknowledged, in milliseconds. */
const DELIVERY_MS = 1000

/** How many packets may come that were not asked for, before an answer. */
const PATIENCE = 1000

/** Where Mosquitto tells about itself. */
const ABOUT = ['$SYS/broker/version', '$SYS/broker/uptime']

export class MqttSession implements Session {
  server: Server = { product: 'MQTT' }
  #id = 0
  #told = false

  constructor(
    readonly link: Link,
    readonly version: MqttVersion,
    readonly topic: string,
    readonly signal: AbortSignal,
  ) {}

  get closed(): Promise<unknown> {
    return this.link.closed
  }

  /** `told`: what it says holds a login. */
  async greet(hello: Uint8Array, told: boolean): Promise<void> {
    this.#told = told
    this.link.write(hello)
    const first = await this.link.peek()
    if (!beginsConnack(first)) throw mismatch('MQTT', first, { told })
    const { code } = await this.#until('CONNACK')
    if (code !== 0) throw new ProbeError(codeFinding(code, 'connection', 'the broker refused the connection'))
  }

  async ping(): Promise<void> {
    this.link.write(pingreq())
    await this.#until('PINGRESP')
  }

  /** Version and age, where it is Mosquitto and its ACL shows them. The age is up to its sys_interval too low. */
  async inspect(): Promise<Server> {
    const told = await this.#about().catch(error => {
      // Some brokers end the connection of who asks for what he may not see.
      if (isClosed(error)) return new Map<string, string>()
      throw error
    })
    const version = /^mosquitto version (\S+)/.exec(told.get('$SYS/broker/version') ?? '')?.[1]
    const seconds = /^(\d{1,10}) seconds/.exec(told.get('$SYS/broker/uptime') ?? '')?.[1]
    if (version) this.server = { product: 'Mosquitto', version }
    return { ...this.server, ...(version && seconds ? { ageMs: Number(seconds) * 1000 } : {}) }
  }

  /**
   * What is retained comes before the answer to a ping that is asked behind it. Every packet of the broker is answered
   * by one of ours: Mosquitto holds the next one back until TCP has acknowledged the last, which alone takes 40 ms.
   */
  async #about(): Promise<Map<string, string>> {
    const told = new Map<string, string>()
    const seen = ({ topic, payload }: Packet<'PUBLISH'>) => void told.set(topic, payload)
    this.link.write(subscribe(this.version, this.#next(), ABOUT, 1))
    await this.#until('SUBACK', seen)
    this.link.write(pingreq())
    await this.#until('PINGRESP', seen)
    this.link.write(unsubscribe(this.version, this.#next(), ABOUT))
    return told
  }

  /** A message to itself, with quality of service 1, on a topic that nobody else knows. */
  async write(): Promise<void> {
    const topic = `${this.topic}/${randomUUID()}`
    try {
      await this.#roundTrip(topic, randomUUID())
    } catch (error) {
      if (!isClosed(error)) throw error
      throw new ProbeError({
        reason: 'connection-lost',
        code: 'EOF',
        message: `the broker closed the connection over the topic ${topic}`,
        advice:
          'So does a broker to who has no right to a topic: allow it, or name another with topic=PREFIX.',
      })
    }
  }

  async #roundTrip(topic: string, payload: string): Promise<void> {
    this.link.write(subscribe(this.version, this.#next(), [topic], 1))
    const { codes } = await this.#until('SUBACK')
    const refused = codes.find(code => code >= 128)
    if (refused !== undefined)
      throw new ProbeError(codeFinding(refused, 'request', `subscribing to ${topic}`))
    this.link.write(publish(this.version, this.#next(), topic, payload))
    let delivered = false
    const seen = (message: Packet<'PUBLISH'>) => {
      delivered ||= message.topic === topic && message.payload === payload
    }
    const { code } = await this.#until('PUBACK', seen)
    if (code >= 128) throw new ProbeError(codeFinding(code, 'request', `publishing to ${topic}`))
    if (!delivered) await this.#delivery(topic, payload)
    this.link.write(unsubscribe(this.version, this.#next(), [topic]))
  }

  async #delivery(topic: string, payload: string): Promise<void> {
    const { signal, clear } = systemClock.deadline(DELIVERY_MS, this.signal)
    const wanted = this.#until('PUBLISH', undefined, it => it.topic === topic && it.payload === payload)
    try {
      await untilAborted(wanted, signal)
    } catch (error) {
      if (!signal.aborted || this.signal.aborted) throw error
      throw new ProbeError({
        reason: 'access-denied',
        message: `a message to ${topic} was acknowledged and not delivered`,
        advice:
          'So do brokers of MQTT 3.1.1 to who may not publish or read there: allow the topic, or name another with topic=PREFIX.',
      })
    } finally {
      clear()
    }
  }

  async close(): Promise<void> {
    this.link.write(disconnect())
    this.link.close()
  }

  /** The next packet of this type that is wanted. Messages on the way are acknowledged, and shown to `seen`. */
  async #until<T extends MqttPacket['type']>(
    type: T,
    seen: (message: Packet<'PUBLISH'>) => void = () => {},
    wanted: (packet: Packet<T>) => boolean = () => true,
  ): Promise<Packet<T>> {
    for (let n = 0; n < PATIENCE; n++) {
      const packet = await this.#read()
      if (packet.type === 'PUBLISH') {
        if (packet.id !== undefined) this.link.write(puback(packet.id))
        seen(packet)
      }
      if (packet.type === type && wanted(packet as Packet<T>)) return packet as Packet<T>
      if (packet.type === 'DISCONNECT')
        throw new ProbeError(codeFinding(packet.code, 'request', 'the broker ended the session'))
      if (packet.type === 'AUTH')
        throw new ProbeError({
          reason: 'client-misuse',
          message: 'the broker asks for enhanced authentication, which a probe cannot answer',
        })
    }
    throw new ProbeError({
      reason: 'protocol-mismatch',
      message: `MQTT: ${PATIENCE} packets that nobody asked for, and no answer`,
    })
  }

  async #read(): Promise<MqttPacket> {
    const first = await this.link.peek()
    try {
      return await readPacket(this.link, this.version)
    } catch (error) {
      throw error instanceof MqttSyntaxError ? mismatch('MQTT', first, { told: this.#told }) : error
    }
  }

  /** Identifiers of packets; 0 is none. */
  #next(): number {
    this.#id = (this.#id % 65_535) + 1
    return this.#id
  }
}

const isClosed = (error: unknown): boolean =>
  error instanceof LinkError || /^(ECONNRESET|EPIPE)$/.test(String((error as { code?: unknown })?.code))
