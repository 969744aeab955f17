/**
 * The keyboard: which key does what. The table is also what the help shows. Pure; imports nothing.
 */

/**
 * @typedef {'move' | 'paint' | 'color' | 'colorBack' | 'colorOn' | 'zoomIn' | 'zoomOut' | 'fit' | 'pick' | 'undo' | 'draw'
 *   | 'grid' | 'wrong' | 'templates' | 'share' | 'settings' | 'help' | 'escape'} Action
 */

/** Action -> its keys, as KeyboardEvent.key has them. Shift moves ten pixels at once. */
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
  templates: ['t'],
  share: ['s'],
  settings: ['o'],
  help: ['?'],
  escape: ['Escape']
})

const ACTIONS = new Map(Object.entries(KEYS).flatMap(([action, keys]) => keys.map((key) => [key, action])))

/**
 * @param {{ key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean }} event
 * @returns {Action | null} null also for what is the browser's, but Ctrl-Z, which everybody tries
 */
export function actionOf({ key, ctrlKey, metaKey, altKey }) {
  if ((ctrlKey || metaKey) && key.toLowerCase() === 'z') return 'undo'
  if (ctrlKey || metaKey || altKey) return null
  const found = ACTIONS.get(key.length === 1 ? key.toLowerCase() : key)
  return /** @type {Action | undefined} */ (found) ?? null
}
