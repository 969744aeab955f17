import assert from 'node:assert/strict'
import test from 'node:test'

import { momentOf, rfc3339, withMoment } from '../../client/past/moment.js'

test('a moment is read from an address in RFC 3339 or in milliseconds', () => {
  const moment = Date.UTC(2017, 3, 1, 18, 20)
  for (const fragment of ['#t=2017-04-01T18:20:00Z', 't=2017-04-01T18:20:00.000Z', `#x=1&y=2&t=${moment}`, '#t=2017-04-01T20:20:00%2B02:00']) {
    assert.equal(momentOf(fragment), moment, fragment)
  }
})

test('whatever else stands there is no moment', () => {
  for (const fragment of ['', '#', '#t=', '#t=now', '#t=-5', '#t=1e9', '#t=2017-04-01', '#t=99999999999999999', '#t=2017-13-41T99:00:00Z', '#tt=5']) {
    assert.equal(momentOf(fragment), null, fragment)
  }
})

test('a moment is put into an address, replaced and taken out, and the rest stays', () => {
  const moment = Date.UTC(2017, 3, 1, 18, 20, 0, 5)
  assert.equal(withMoment('#x=1&y=2', moment), '#x=1&y=2&t=2017-04-01T18:20:00.005Z')
  assert.equal(withMoment('#t=5&x=1', moment), '#x=1&t=2017-04-01T18:20:00.005Z')
  assert.equal(withMoment('#x=1&t=5', null), '#x=1')
  assert.equal(withMoment('#t=5', null), '')
  assert.equal(momentOf(withMoment('', moment)), moment)
  assert.equal(rfc3339(0), '1970-01-01T00:00:00Z')
})
