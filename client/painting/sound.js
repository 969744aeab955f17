/**
 * Short sounds, made here rather than loaded; only people who turn them on hear any.
 */

export const SOUNDS = { placed: [660, 0.08], refused: [150, 0.22], ready: [880, 0.12] } // Hz, seconds

/** @type {AudioContext | undefined} */
let audio

/** @param {keyof typeof SOUNDS} name */
export function play(name) {
  audio ??= new AudioContext()
  const [hz, seconds] = SOUNDS[name]
  const tone = new OscillatorNode(audio, { type: 'triangle', frequency: hz })
  const volume = new GainNode(audio, { gain: 0.12 })
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + seconds)
  tone.connect(volume).connect(audio.destination)
  tone.start()
  tone.stop(audio.currentTime + seconds)
}
