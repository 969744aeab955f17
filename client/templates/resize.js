/**
 * Resizes an image before its colours are matched. Pure; imports nothing.
 */

/**
 * Every new pixel is the mean of the old pixels that it covers: pixel art that was enlarged by a whole number gets its own
 * pixels back exactly, a photo gets no moiré. In an enlargement a new pixel copies the old pixel at its place.
 *
 * @param {{ data: Uint8ClampedArray, width: number, height: number }} image  RGBA
 * @param {number} width
 * @param {number} height
 * @returns {Uint8ClampedArray} RGBA
 */
export function resize(image, width, height) {
  const { data } = image
  const rgba = new Uint8ClampedArray(width * height * 4)
  for (let at = 0; at < rgba.length; at += 4) {
    const [left, right] = covered((at / 4) % width, image.width / width)
    const [top, bottom] = covered(Math.floor(at / 4 / width), image.height / height)
    const sums = [0, 0, 0, 0]
    for (let y = top; y < bottom; y++) {
      for (let i = 4 * (y * image.width + left); i < 4 * (y * image.width + right); i += 4) {
        sums[3] += data[i + 3] // transparent pixels have no weight in the colour
        for (let channel = 0; channel < 3; channel++) sums[channel] += data[i + channel] * data[i + 3]
      }
    }
    for (let channel = 0; channel < 3; channel++) rgba[at + channel] = sums[channel] / sums[3]
    rgba[at + 3] = sums[3] / ((right - left) * (bottom - top))
  }
  return rgba
}

/**
 * The old pixels under a new one, half-open.
 *
 * @param {number} index
 * @param {number} factor
 */
function covered(index, factor) {
  const from = Math.floor(index * factor)
  return [from, Math.max(from + 1, Math.floor((index + 1) * factor))]
}
