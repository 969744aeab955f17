/**
 * What somebody has typed.
 */

/**
 * Whether it is anything. Spaces around it are taken away: a field of nothing but spaces is empty, which the browser says.
 * @param {HTMLInputElement | HTMLTextAreaElement} field  that has to be filled
 */
export function isSaid(field) {
  field.value = field.value.trim()
  return field.reportValidity()
}
