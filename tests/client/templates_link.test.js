import assert from 'node:assert/strict'
import { test } from 'node:test'

import { addressOf, templatesOf, withTemplates } from '../../client/templates/link.js'
import { STYLES } from '../../client/templates/template.js'
import { wholes } from './chance.js'

const PAGE = 'https://canvas.example/sub/#x=10&y=20&z=8'
const URL_ENTRY = 't=' + encodeURIComponent('https://img.example/a.png')

/**
 * @param {Partial<import('../../client/templates/template.js').Template>} values
 * @returns {import('../../client/templates/template.js').Template}
 */
const template = (values) => ({
  id: 1, name: 'a', x: 0, y: 0, width: 1, height: 1, ratio: 1, opacity: 60, style: 'faint', hidden: false,
  image: new Blob(), url: 'https://img.example/a.png', entry: '', ...values
})

test('templates come back from a link as they went in', () => {
  const random = wholes(7)
  const odd = ['a,b.png', 'a b%2C.png?x=1&t=2', 'é🙂.png', '%.png', "it's(1).png", 'a#b']
  for (let round = 0; round < 200; round++) {
    const templates = Array.from({ length: 1 + random(8) }, () =>
      template({
        url: new URL(odd[random(odd.length)], 'https://img.example/').href,
        x: random(8193) - 4096,
        y: random(8193) - 4096,
        width: 1 + random(4096),
        opacity: 5 + random(96),
        style: STYLES[random(3)]
      })
    )
    const link = new URL(withTemplates(PAGE, templates))
    assert.ok(link.href.startsWith(PAGE + '&t='))
    const { linked, refusals } = templatesOf(link.hash)
    assert.deepEqual(refusals, [])
    assert.deepEqual(
      linked.map(({ url, x, y, width, opacity, style }) => ({ url, x, y, width, opacity, style })),
      templates.map(({ url, x, y, width, opacity, style }) => ({ url, x, y, width, opacity, style }))
    )
  }
})

test('a page without a position gets a fragment of templates alone', () => {
  const page = 'https://canvas.example/'
  assert.equal(withTemplates(page, [template({})]), `${page}#${URL_ENTRY},0,0,1,60,faint`)
  assert.equal(withTemplates(page, []), page)
})

test('what follows the position may be left out', () => {
  for (const entry of [`${URL_ENTRY},3,-4`, `${URL_ENTRY},3,-4,,,`]) {
    const expected = { entry, url: 'https://img.example/a.png', x: 3, y: -4 }
    assert.deepEqual(templatesOf(`#x=1&${entry}`), { linked: [expected], refusals: [] })
  }
})

test('a fragment without templates has none', () => {
  for (const fragment of ['', '#', '#x=1&y=2', '#top=1']) {
    assert.deepEqual(templatesOf(fragment), { linked: [], refusals: [] })
  }
})

for (const [entry, told] of [
  [`${URL_ENTRY}`, 'x='],
  [`${URL_ENTRY},1`, 'y='],
  [`${URL_ENTRY},1e3,2`, 'x=1e3'],
  [`${URL_ENTRY},1.5,2`, 'x=1.5'],
  [`${URL_ENTRY},4097,2`, 'x=4097'],
  [`${URL_ENTRY},1,2,0`, 'width=0'],
  [`${URL_ENTRY},1,2,4097`, 'width=4097'],
  [`${URL_ENTRY},1,2,3,4`, 'opacity=4'],
  [`${URL_ENTRY},1,2,3,60,sparkling`, 'sparkling'],
  [`${URL_ENTRY},1,2,3,60,dots,more`, 'dots'],
  ['t=javascript%3Aalert(1),1,2', 'javascript:alert(1)'],
  ['t=data%3Aimage%2Fpng,1,2', 'data:image/png'],
  ['t=https%3A%2F%2Fme%3Asecret%40img.example%2F,1,2', 'https://me'],
  ['t=a.png,1,2', 'a.png'],
  ['t=,1,2', 'https://'],
  ['t=%,1,2', '%']
]) {
  test(`${entry} is refused, and the rest of the link is not`, () => {
    const { linked, refusals } = templatesOf(`#x=1&${entry}&${URL_ENTRY},5,6`)
    assert.deepEqual(linked.map(({ x }) => x), [5])
    assert.equal(refusals.length, 1)
    assert.ok(refusals[0].includes(told), refusals[0])
  })
}

test('a link brings at most eight, and says so once', () => {
  const { linked, refusals } = templatesOf(Array.from({ length: 11 }, (_, i) => `${URL_ENTRY},${i},0`).join('&'))
  assert.deepEqual(linked.map(({ x }) => x), [0, 1, 2, 3, 4, 5, 6, 7])
  assert.equal(refusals.length, 1)
})

test('an address is made whole, and refused when it is too long', () => {
  assert.equal(addressOf('HTTPS://Img.Example'), 'https://img.example/')
  assert.throws(() => addressOf('https://img.example/' + 'a'.repeat(2048)), /2048/)
})
