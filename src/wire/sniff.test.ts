import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { excerpt, looksLike } from './sniff.js'

const latin = (text: string) => Uint8Array.from(text, sign => sign.charCodeAt(0))

describe('the first bytes of a server look like', () => {
  test.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n'],
    ['HTTP', '<!DOCTYPE html>'],
    ['HTTP', '\n  <html>'],
    ['HTTP', '<?xml version="1.0"?>'],
    ['ClickHouse (native)', 'HTTP/1.0 400 Bad Request\r\n\r\nPort 9000 is for clickhouse-client program\r\n'],
    ['ClickHouse (native)', '\x02e\0\0\0\x10DB::NetException'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['AMQP', 'AMQP\0\0\x09\x01'],
    ['AMQP', '\x01\0\0\0\0\x01\xf6\0\x0a\0\x0a\0\x09'],
    ['NATS', 'INFO {"server_id":"x"} \r\n'],
    ['NATS', "-ERR 'maximum connections exceeded'\r\n"],
    ['SMTP or FTP', '220 mail.example ESMTP\r\n'],
    ['SMTP or FTP', '220-welcome\r\n'],
    ['TLS', '\x15\x03\x01\x00\x02\x02\x28'],
    ['TLS', '\x16\x03\x03\x00\x7a\x02'],
    ['TLS', '\x16\x03\x04\xff'],
    ['MySQL', '\x4a\0\0\0\x0a8.0.36\0'],
    ['MySQL', '\x4a\0\0\0\x0a'],
    ['MySQL', '\x4a\0\0\0\xff\x6a\x04Host'],
    ['memcached', 'ERROR\r\n'],
    ['memcached', 'CLIENT_ERROR bad\r\n'],
    ['memcached', 'ERROR Too many open connections\r\n'],
    ['memcached', 'VERSION 1.6.18\r\n'],
    ['memcached', `\x81\x0b${'\0'.repeat(9)}\x06${'\0'.repeat(12)}1.6.18`],
    ['MQTT', '\x20\x02\0\0'],
    ['MQTT', '\x20\x02\x01\x05'],
    ['MQTT', '\x20\x03\0\x87\0'],
    ['Redis', '-ERR unknown command\r\n'],
    ['Redis', '-NOAUTH Authentication required.\r\n'],
    ['Redis', '-OOM command not allowed\r\n'],
    ['Redis', '+PONG\r\n'],
    ['Redis', '+OK\r\n'],
    ['PostgreSQL', 'S'],
    ['PostgreSQL', 'E\0\x01\0\x60S'],
    ['PostgreSQL', 'N'],
    ['PostgreSQL', 'E\0\0\0\x60SFATAL\0'],
    ['PostgreSQL', 'R\0\0\0\x08\0\0\0\0'],
    ['PostgreSQL', 'v\0\0\0\x0c\0\x03\0\0'],
  ])('%s: %j', (service, text) => expect(looksLike(latin(text))).toBe(service))

  test.each([
    '',
    'hello',
    'Sx',
    '+hello\r\n',
    'EHLO there',
    '\x15\x02\0',
    '\x17\x03\x03',
    '\x20\x02\0\x06',
    '\x20\x01\0\0',
    '\x20\x02\x02\0',
    '\x4a\0\0\x01\x0a',
    'R\x01abcd',
    'E\0\0\0\x60',
    '\x16\x03\x05',
    '\x16\x03',
    '\x4a\0\x01\0\x0a8.0.36\0',
    '\x01\0\0\0\0\x01\xf6\0\x0a\0\x0b',
    '\x01\0\0\0\0\x01\xf6\0\x0b\0\x0a',
    '\x02\0\0\0\0\x01\xf6\0\x0a\0\x0a',
  ])('nothing known: %j', text => expect(looksLike(latin(text))).toBeUndefined())

  test('something or nothing, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        expect(['string', 'undefined']).toContain(typeof looksLike(bytes))
      }),
    )
  })

  test('the same however much follows', () => {
    expect(looksLike(latin(`HTTP/1.1 200 OK\r\n${'x'.repeat(2_000_000)}`))).toBe('HTTP')
  })
})

describe('an excerpt', () => {
  test.each([
    ['HTTP/1.1 400 Bad Request\r\nServer: x', '"HTTP/1.1 400 Bad Request"'],
    [`${'x'.repeat(120)}\r\n`, `"${'x'.repeat(120)}"`],
    [`${'x'.repeat(121)}\r\n`, '78 78 78 78 78 and 118 more'],
    ['still on the way', '73 74 69 6c 6c and 11 more'],
    ['\x15\x03\x01', '15 03 01'],
    ['\x00'.repeat(40), '00 00 00 00 00 and 35 more'],
    ['caf\xe9', '63 61 66 e9'],
    ['\r\nrest', '0d 0a 72 65 73 and 1 more'],
    ['\x1b[31mred', '1b 5b 33 31 6d and 3 more'],
    ['x', '"x"'],
    ['', ''],
  ])('of %j is %s', (text, shown) => expect(excerpt(latin(text))).toBe(shown))

  test('is as long as its limit says', () => expect(excerpt(latin('abcdefg\n'), 7)).toBe('"abcdefg"'))

  test('holds printable characters only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
        expect(excerpt(bytes)).toMatch(/^[\x20-\x7e]*$/)
      }),
    )
  })
})
