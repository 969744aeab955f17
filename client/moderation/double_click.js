/**
 * Some people click everything twice. The first click's action may be over before the second click comes.
 */

/**
 * @param {MouseEvent} event
 * @returns {boolean} whether it ends a double click
 */
export const endsDoubleClick = (event) => event.detail > 1

/**
 * Let a button act once, however fast somebody clicks it.
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
