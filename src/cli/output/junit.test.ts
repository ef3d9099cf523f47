import { expect, test } from 'vitest'
import { escapeXml } from './junit.js'

test('whatever a text holds, what is written of it are characters of XML', () => {
  expect(escapeXml('a\uFFFE\uFFFF\u0000\u0008\u001F\uD800b\t\n\u{1F600}')).toBe('ab\t\n\u{1F600}')
  expect(escapeXml(`<a b="&">`)).toBe('&lt;a b=&quot;&amp;&quot;&gt;')
})
