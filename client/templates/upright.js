/**
 * Brings an image upright, as EXIF's orientation says. Browsers do so for JPEG, some for PNG and none for WebP, so it is
 * done here for all. Pure; imports nothing.
 */

/**
 * Where a pixel of the upright image is in the stored one, whose sides are `right` + 1 and `bottom` + 1.
 * @type {Record<number, (x: number, y: number, right: number, bottom: number) => [number, number]>}
 */
const FROM = {
  2: (x, y, right) => [right - x, y],
  3: (x, y, right, bottom) => [right - x, bottom - y],
  4: (x, y, _, bottom) => [x, bottom - y],
  5: (x, y) => [y, x],
  6: (x, y, _, bottom) => [y, bottom - x],
  7: (x, y, right, bottom) => [right - y, bottom - x],
  8: (x, y, right) => [right - y, x]
}

/**
 * The size of the upright image.
 *
 * @param {{ width: number, height: number, turn: number }} stored
 */
export function uprightSize({ width, height, turn }) {
  return turn < 5 ? { width, height } : { width: height, height: width }
}

/**
 * @param {{ data: Uint8ClampedArray, width: number, height: number }} image  RGBA, as stored
 * @param {number} turn  EXIF's orientation, 1 to 8
 */
export function upright(image, turn) {
  const from = FROM[turn]
  if (!from) return image
  const { width, height } = uprightSize({ width: image.width, height: image.height, turn })
  const pixels = new Uint32Array(image.data.buffer, image.data.byteOffset, image.width * image.height)
  const turned = new Uint32Array(pixels.length)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) {
      const [column, row] = from(x, y, image.width - 1, image.height - 1)
      turned[to] = pixels[row * image.width + column]
    }
  }
  return { data: new Uint8ClampedArray(turned.buffer), width, height }
}
