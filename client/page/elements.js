/**
 * Finding and making elements of the page.
 */

/**
 * The element of index.html with this id.
 *
 * @param {string} id
 * @throws {Error} the page has none
 */
export function element(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no element ${JSON.stringify(id)}`)
  return found
}

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}
