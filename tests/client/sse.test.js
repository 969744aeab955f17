import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SseParser } from '../../client/stream/sse.js'

/** @param {...string} pieces */
const parse = (...pieces) => {
  const parser = new SseParser()
  return pieces.flatMap((piece) => parser.push(piece))
}

test('a frame carries its version and data', () => {
  assert.deepEqual(parse('id: 12\ndata: AAAA\n\n'), [{ type: 'message', data: 'AAAA', id: '12' }])
})

test('a frame with empty data is still a frame', () => {
  assert.deepEqual(parse('id: 12\ndata: \n\n'), [{ type: 'message', data: '', id: '12' }])
})

test('a named event keeps its name, the next one has none', () => {
  assert.deepEqual(
    parse('event: reload\ndata: {}\n\ndata: x\n\n').map((event) => event.type),
    ['reload', 'message']
  )
})

test('comments and unknown fields are passed over', () => {
  assert.deepEqual(parse(':\n\n: hello\n\nwhatever: 1\n\nlonely\n\n'), [])
})

test('the id lasts until another one comes', () => {
  assert.deepEqual(
    parse('id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\n').map((event) => event.id),
    ['1', '1', '2']
  )
})

test('lines may end in LF, CR or CRLF', () => {
  for (const end of ['\n', '\r', '\r\n']) {
    const events = parse(['id: 1', 'data: a', 'data: b', '', ''].join(end))
    assert.deepEqual(events, [{ type: 'message', data: 'a\nb', id: '1' }])
  }
})

test('a stream cut at any two places reads the same', () => {
  const text = '\ufeffretry: 1500\r\n:\r\n\r\nid: 7\r\ndata: AQID\r\n\r\nevent: reload\ndata: {"v": 9}\n\nid: 8\rdata:\r\r'
  const whole = parse(text)
  assert.equal(whole.length, 3)
  for (let a = 0; a <= text.length; a++) {
    for (let b = a; b <= text.length; b++) {
      assert.deepEqual(parse(text.slice(0, a), text.slice(a, b), text.slice(b)), whole)
    }
  }
})

test('retry is kept when it is a number', () => {
  const parser = new SseParser()
  assert.equal(parser.retryMs, null)
  parser.push('retry: 2500\nretry: soon\nretry: -1\n\n')
  assert.equal(parser.retryMs, 2500)
})

test('an id with a NUL is ignored', () => {
  assert.equal(parse('id: 1\nid: 2\0\ndata: x\n\n')[0].id, '1')
})

test('an event that never ends is refused', () => {
  const parser = new SseParser()
  const piece = 'x'.repeat(32 * 1024 * 1024)
  parser.push(`data: ${piece}`)
  assert.throws(() => parser.push(piece), RangeError)
})
