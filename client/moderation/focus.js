/**
 * Keeps the keyboard's focus when a list changes under it.
 */

/**
 * Change what is in `node`. The button that has the focus keeps it, wherever it stands then: its text and its `value`
 * identify it. If it is gone, the heading gets the focus, or the first words of its entry if that is still there: so a
 * keyboard user doesn't land at the top of the page, and a second key press doesn't act on the entry that has moved up.
 *
 * @param {HTMLElement} node
 * @param {() => void} change
 */
export function keepingFocus(node, change) {
  const had = document.activeElement
  const isHere = had instanceof HTMLButtonElement && node.contains(had)
  change()
  if (!isHere || (document.activeElement === had && !had.hidden)) return
  const of = [...node.querySelectorAll('button')].filter(({ value }) => value === had.value)
  const same = node.contains(had) ? had : of.find(({ textContent }) => textContent === had.textContent)
  if (same?.hidden === false) return same.focus()
  const entry = had.value ? of[0]?.closest('li') : null
  const heading = /** @type {HTMLElement | null} */ (entry?.querySelector('strong') ?? node.querySelector('h3, strong'))
  if (heading) heading.tabIndex = -1
  heading?.focus()
}
