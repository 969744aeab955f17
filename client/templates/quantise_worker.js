/**
 * The worker behind `conversion.js`: it is told { image, width, height, palette }, and answers with the indexes, or
 * with an error event for what is no image.
 */

import { quantise } from './quantise.js'
import { resize } from './resize.js'

addEventListener('message', async ({ data: { image, width, height, palette } }) => {
  try {
    // The colours as they are in the file: a profile that shifts them would miss the palette's.
    const bitmap = await createImageBitmap(image, { colorSpaceConversion: 'none' })
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
    context?.drawImage(bitmap, 0, 0)
    const whole = context?.getImageData(0, 0, bitmap.width, bitmap.height)
    postMessage(quantise(resize(/** @type {ImageData} */ (whole), width, height), palette))
  } catch (error) {
    reportError(error) // a rejected promise would not reach the page
  }
})
