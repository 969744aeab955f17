import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { bytesOfBase64 } from '../../client/canvas/edit_code.js'
import { decodePage } from '../../client/past/edits_page.js'

/** @type {{ from: number, next: number, edits: number[][], base64: string }[]} */
const PAGES = JSON.parse(readFileSync(new URL('../history/page_vectors.json', import.meta.url), 'utf8'))

for (const { from, next, edits, base64 } of PAGES) {
  test(`a page of ${edits.length} edits from ${from} on is read as Python writes it`, () => {
    const page = decodePage(bytesOfBase64(base64))
    assert.deepEqual([page.from, page.to], [from, next])
    const read = [...page.times].map((time, i) => [page.versions[i], time, ...page.places.subarray(3 * i, 3 * i + 3)])
    assert.deepEqual(read, edits)
  })

  test(`a page of ${edits.length} edits from ${from} on that is cut off anywhere is refused`, () => {
    const bytes = bytesOfBase64(base64)
    for (let length = 0; length < bytes.length; length++) assert.throws(() => decodePage(bytes.subarray(0, length)), RangeError)
  })
}

test('what is something else is refused', () => {
  assert.throws(() => decodePage(new Uint8Array(60)), /no page/)
})
