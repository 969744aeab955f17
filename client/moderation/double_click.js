/**
 * Some people click everything twice. What the first click did may be done before the second one comes.
 */

/**
 * @param {MouseEvent} event
 * @returns {boolean} whether it ends a double click
 */
export const endsDoubleClick = (event) => event.detail > 1

/**
 * Have a button do once what it does, however fast it is clicked.
 *
 * @param {HTMLButtonElement} button
 * @returns {HTMLButtonElement}
 */
export function clickedOnce(button) {
  button.addEventListener('click', (event) => {
    if (!endsDoubleClick(event)) return
    event.preventDefault()
    event.stopImmediatePropagation()
  }, true) // before what the button does
  return button
}
