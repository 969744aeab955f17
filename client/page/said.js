/**
 * Text that a person has typed.
 */

/**
 * Whether there is any text. Removes the spaces around it: a field with only spaces is empty, and the browser says so.
 * @param {HTMLInputElement | HTMLTextAreaElement} field  a required field
 */
export function isSaid(field) {
  field.value = field.value.trim()
  return field.reportValidity()
}
