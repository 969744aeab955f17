/**
 * The worker behind `conversion.js`: it gets { image, width, height, palette }, and answers { indexes }, or { refusal }, a
 * text with the reason.
 */

import { Poisoned, decode } from './decoding.js'
import { quantise } from './quantise.js'
import { resize } from './resize.js'

addEventListener('message', async ({ data: { image, width, height, palette } }) => {
  try {
    const whole = await decode(new Uint8Array(await image.arrayBuffer()))
    postMessage({ indexes: quantise(resize(whole, width, height), palette) })
  } catch (error) {
    console.warn(`placed: ${error}`)
    postMessage({ refusal: error instanceof Poisoned ? 'templatePoisoned' : 'templateNoImage' })
  }
})
