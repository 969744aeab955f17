/**
 * A person's choices for this browser, kept in localStorage. The page checks stored values: another version of the page may
 * have written them.
 */

const KEY = 'placed.settings'

const DEFAULTS = {
  grid: true,
  glow: true,
  signs: false,
  sound: false,
  keys: true,
  confirm: /** @type {'auto' | 'always' | 'never'} */ ('auto'),
  theme: /** @type {'auto' | 'light' | 'dark'} */ ('auto')
}

/** The values that aren't switches. */
export const CHOICES = { confirm: ['auto', 'always', 'never'], theme: ['auto', 'light', 'dark'] }

/** @typedef {typeof DEFAULTS} Values */

export class Settings {
  /** Told of each change. */
  onChange = () => {}
  #values
  #storage

  /** @param {Pick<Storage, 'getItem' | 'setItem'> | null} storage  null where there is none, as in a private window */
  constructor(storage) {
    this.#storage = storage
    this.#values = read(storage)
  }

  /** @returns {Readonly<Values>} */
  get values() {
    return this.#values
  }

  /** @param {Partial<Values>} change */
  set(change) {
    this.#values = { ...this.#values, ...change }
    try {
      this.#storage?.setItem(KEY, JSON.stringify(this.#values))
    } catch {
      // A full or forbidden storage: the choice lasts until the page is closed.
    }
    this.onChange()
  }
}

/** The browser's storage; null if it is forbidden. */
export function browserStorage() {
  try {
    return localStorage
  } catch {
    return null
  }
}

/** @param {Pick<Storage, 'getItem'> | null} storage */
function read(storage) {
  /** @type {any} */
  let kept = null
  try {
    kept = JSON.parse(storage?.getItem(KEY) ?? 'null')
  } catch {
    // Not ours, or half written: use the defaults.
  }
  const values = /** @type {any} */ ({ ...DEFAULTS })
  for (const name of Object.keys(DEFAULTS)) if (isAllowed(name, Object(kept)[name])) values[name] = kept[name]
  return /** @type {Values} */ (values)
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function isAllowed(name, value) {
  const choices = /** @type {Record<string, string[]>} */ (CHOICES)[name]
  return choices ? choices.includes(/** @type {string} */ (value)) : typeof value === 'boolean'
}
