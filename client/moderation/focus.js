/**
 * Where the keyboard is when a list changes under it.
 */

/**
 * Change what is in `node`. The button that has the focus keeps it, wherever it stands then: what a button does is its text,
 * and its `value` to what. If it is gone, the heading gets the focus: whoever works by keyboard isn't sent back to the top of
 * the page, and a key that is pressed twice does nothing to what has moved up.
 *
 * @param {HTMLElement} node
 * @param {() => void} change
 */
export function keepingFocus(node, change) {
  const had = document.activeElement
  const isHere = had instanceof HTMLButtonElement && node.contains(had)
  change()
  if (!isHere || (node.contains(had) && !had.hidden)) return
  const same = [...node.querySelectorAll('button')].find(({ value, textContent }) => value === had.value && textContent === had.textContent)
  const heading = /** @type {HTMLElement | null} */ (node.querySelector('h3, strong'))
  if (heading) heading.tabIndex = -1
  ;(same?.hidden === false ? same : heading)?.focus()
}
