/**
 * Where the keyboard is when a list changes under it.
 */

/**
 * Change what is in `node`. If what has the focus goes with it, the button in its place gets it, or else the heading:
 * whoever works by keyboard isn't sent back to the top of the page.
 *
 * @param {HTMLElement} node
 * @param {() => void} change
 */
export function keepingFocus(node, change) {
  const buttons = () => [...node.querySelectorAll('button')]
  const at = buttons().findIndex((button) => button === document.activeElement)
  change()
  if (at < 0 || node.contains(document.activeElement)) return
  const left = buttons().filter((button) => !button.hidden)
  const heading = /** @type {HTMLElement | null} */ (node.querySelector('h3, strong'))
  if (heading) heading.tabIndex = -1
  ;(left[Math.min(at, left.length - 1)] ?? heading)?.focus()
}
