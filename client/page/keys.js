/**
 * The keyboard: which key does what, on any layout. The table is also what the help shows. Pure; imports nothing.
 *
 * What a key types decides, so that each letter is where its layout has it. Where it types nothing that is Latin, its place
 * decides (KeyboardEvent.code, named after the US layout): Russian, Greek or Arabic letters, dead keys, signs that mean
 * nothing here. The digits' row is always the digits, which some layouts have only with Shift.
 */

/**
 * @typedef {'move' | 'paint' | 'color' | 'colorBack' | 'colorOn' | 'zoomIn' | 'zoomOut' | 'fit' | 'pick' | 'undo' | 'draw'
 *   | 'grid' | 'wrong' | 'past' | 'look' | 'play' | 'stepBack' | 'stepOn' | 'templates' | 'share' | 'settings' | 'people' | 'help'
 *   | 'escape'} Action
 */

/**
 * What is asked of a KeyboardEvent.
 *
 * @typedef {object} Press
 * @property {string} key
 * @property {string} code
 * @property {boolean} [ctrlKey]
 * @property {boolean} [metaKey]
 * @property {boolean} [altKey]
 * @property {boolean} [shiftKey]
 * @property {(name: string) => boolean} [getModifierState]
 */

/** Action -> its keys, as KeyboardEvent.key has them where they are typed. Shift moves ten pixels at once. */
export const KEYS = /** @type {Record<Action, string[]>} */ ({
  move: ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown'],
  paint: ['Enter', ' '],
  color: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'],
  colorBack: ['['],
  colorOn: [']'],
  zoomIn: ['+', '='],
  zoomOut: ['-', '_'],
  fit: ['f'],
  pick: ['c'],
  undo: ['u'],
  draw: ['d'],
  grid: ['g'],
  wrong: ['n'],
  past: ['h'],
  look: ['i'],
  play: ['p'],
  stepBack: [','],
  stepOn: ['.'],
  templates: ['t'],
  share: ['s'],
  settings: ['o'],
  people: ['a'],
  help: ['?'],
  escape: ['Escape']
})

const ACTIONS = new Map(Object.entries(KEYS).flatMap(([action, keys]) => keys.map((key) => [key, action])))
const SIGNS = /** @type {Record<string, string>} */ ({
  BracketLeft: '[', BracketRight: ']', Minus: '-', Equal: '=', Comma: ',', Period: '.', NumpadAdd: '+', NumpadSubtract: '-'
})

/**
 * @param {Press} press
 * @returns {Action | null} null also for what is the browser's, but Ctrl-Z, which everybody tries
 */
export function actionOf(press) {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = press
  if (!key) return null // a form that the browser fills in
  // With Shift it is to do again, which there is not.
  if ((ctrlKey || metaKey) && !altKey && !shiftKey && letterOf(press) === 'z') return 'undo'
  return /** @type {Action | undefined} */ (ACTIONS.get(keyOf(press))) ?? null
}

/**
 * Which of the table's keys is meant.
 *
 * @param {Press} press
 * @returns {string} '' for none
 */
export function keyOf(press) {
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = press
  const known = ACTIONS.has(lower(key)) ? lower(key) : ''
  // AltGr, which Windows tells as Ctrl and Alt, and a Mac's Alt are how some layouts type a bracket.
  if (altKey || press.getModifierState?.('AltGraph')) return !metaKey && /^[^\w\s]$/.test(known) ? known : ''
  if (ctrlKey || metaKey) return ''
  const digit = !shiftKey && isTyped(key) && /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1]
  return digit || known || signOf(press) || letterOf(press)
}

/**
 * The key that is to be shown for one of the table's.
 *
 * @param {string} name
 * @param {Iterable<[string, string]>} layout  what each code types without Shift, as the browser tells it
 */
export function shownKey(name, layout) {
  const typed = [...layout].filter(([code, key]) => keyOf({ key, code }) === name).map(([, key]) => key)
  return typed.includes(name) || !typed.length || /\d/.test(name) ? name : typed[0]
}

/** @param {string} key */
function lower(key) {
  return key.length === 1 ? key.toLowerCase() : key
}

/**
 * Whether it types something: other keys have names of Latin letters, as have those of which an input method has the say.
 * @param {string} key
 */
function isTyped(key) {
  return key === 'Dead' || !/^\w\w/.test(key)
}

/** @param {Press} press */
function letterOf({ key, code }) {
  const isLatin = /^[\0-\x7f]|^\p{Script=Latin}/u.test(key)
  return isLatin ? lower(key) : (/^Key(.)$/.exec(code)?.[1].toLowerCase() ?? '')
}

/** @param {Press} press */
function signOf({ key, code, shiftKey }) {
  const isOther = isTyped(key) && (key === 'Dead' || !/^\p{Script=Latin}|['/]/u.test(key)) // Firefox finds by these two
  if (!isOther) return ''
  return (shiftKey ? { Slash: '?' }[code] : SIGNS[code]) ?? ''
}
