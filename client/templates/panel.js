/**
 * The user interface: adding templates, and a row for each with its numbers and buttons. `update` writes only what
 * differs, so that focus and half-typed numbers stay.
 */

import { t } from '../words/language.js'
import '../words/more_texts.js'
import { RANGES, STYLES } from './template.js'

/** @typedef {import('./templates.js').Item} Item */
/** @typedef {import('./templates.js').Templates} Templates */

/** @param {Templates} templates */
export function createPanel(templates) {
  const rows = /** @type {Map<Item, ReturnType<typeof createRow>>} */ (new Map())
  const list = h('ul')
  const share = button('templateShare', () => templates.share())
  const element = h('div', { className: 'templates' }, adder(templates), list, share)

  function update() {
    if (!element.isConnected) return
    for (const [item, row] of rows) {
      if (templates.items.includes(item)) continue
      // After a removal the focus goes to the panel's start rather than the page's.
      if (row.element.contains(document.activeElement)) element.querySelector('input')?.focus()
      row.element.remove()
      rows.delete(item)
    }
    for (const item of templates.items) {
      if (rows.has(item)) continue
      const row = createRow(item, templates)
      rows.set(item, row)
      list.prepend(row.element) // as they lie
      row.element.querySelector('summary')?.click() // opened, it closes the others
    }
    for (const row of rows.values()) row.update()
    share.hidden = !templates.items.some(({ template }) => template.url && !template.hidden)
  }
  return { element, update }
}

/** @param {Templates} templates */
function adder(templates) {
  const file = h('input', { type: 'file', accept: 'image/png,image/jpeg,image/webp,image/gif,image/bmp', multiple: true })
  file.onchange = () => {
    for (const one of file.files ?? []) templates.addFile(one, one.name)
    file.value = '' // so that the same file can be chosen again
  }
  const address = h('input', { type: 'url', required: true })
  const form = h('form', {}, h('label', { className: 'file' }, t('templateFile'), file), labelled('templateAddress', address), h('button', { textContent: t('templateAdd') }))
  form.onsubmit = (event) => {
    event.preventDefault()
    templates.addAddress(address.value)
    form.reset()
  }
  return form
}

/**
 * @param {Item} item
 * @param {Templates} templates
 */
function createRow(item, templates) {
  const count = h('span')
  const bar = h('progress', { ariaLabel: item.template.name })
  const numbers = /** @type {const} */ (['x', 'y', 'width', 'opacity']).map((name) => {
    const [min, max] = RANGES[name]
    const input = h('input', { type: name === 'opacity' ? 'range' : 'number', min, max, onblur: update })
    const set = (/** @type {boolean} */ lasting) => templates.change(item, { [name]: input.valueAsNumber }, lasting)
    input.onchange = () => set(true)
    if (name === 'opacity') input.oninput = () => set(false)
    return { name, input }
  })
  const options = STYLES.map((value) => h('option', { value, textContent: t(TEXTS[value]) }))
  const style = h('select', {}, ...options)
  style.onchange = () => templates.change(item, { style: STYLES[style.selectedIndex] })
  const next = button('templateNext', () => templates.next(item))
  const move = button('templateMove', () => templates.move(item))
  const hide = button('templateHide', () => templates.change(item, { hidden: !item.template.hidden }))
  const keep = button('templateKeep', () => templates.keep(item))
  const find = button('templateFind', () => templates.find(item))
  const remove = button('templateRemove', () => templates.remove(item))
  const fields = numbers.map(({ name, input }) => labelled(TEXTS[name], input))
  const summary = h('summary', {}, h('b', { textContent: item.template.name, dir: 'auto' }), count)
  const element = h('li', {}, h('details', { name: 'template' }, summary, bar,
    h('p', {}, next, find, move, hide, keep, remove), h('div', { className: 'fields' }, ...fields, labelled('templateStyle', style))
  ))

  function update() {
    const { total = 0, left = 0 } = item.progress ?? {}
    const text = item.progress ? t('templateCount', { right: total - left, left }) : '…'
    if (count.textContent !== text) count.textContent = text
    Object.assign(bar, { max: total || 1, value: total - left })
    for (const { name, input } of numbers) {
      if (input !== document.activeElement || name === 'opacity') input.value = String(item.template[name])
    }
    style.value = item.template.style
    move.ariaPressed = String(templates.moving === item)
    hide.ariaPressed = String(item.template.hidden)
    next.disabled = !left
    keep.hidden = item.kept
  }
  return { element, update }
}

const TEXTS = /** @type {const} */ ({
  x: 'templateX',
  y: 'templateY',
  width: 'templateWidth',
  opacity: 'templateOpacity',
  faint: 'templateFaint',
  dots: 'templateDots',
  differs: 'templateDiffers'
})

/**
 * @param {import('../words/language.js').TextKey} text
 * @param {() => void} onclick
 */
function button(text, onclick) {
  return h('button', { type: 'button', textContent: t(text), onclick })
}

/**
 * @param {import('../words/language.js').TextKey} text
 * @param {HTMLElement} field
 */
function labelled(text, field) {
  return h('label', {}, t(text), field)
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {object} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
function h(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}
