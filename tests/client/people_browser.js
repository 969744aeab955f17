/**
 * Fakes of a browser and a server, for the people's modules: a storage that several tabs share, and answers to requests.
 */

/** @typedef {{ address: string, body: any }} Asked */
/** @typedef {{ status?: number, body?: object, headers?: Record<string, string> }} Answer  status 200 by default */

const kept = /** @type {Map<string, string>} */ (new Map())
const listeners = /** @type {((event: { key: string | null, newValue: string | null }) => void)[]} */ ([])

const storage = {
  getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
  setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
  removeItem: (/** @type {string} */ key) => void kept.delete(key)
}

Object.defineProperty(globalThis, 'localStorage', { value: storage, configurable: true })
Object.assign(globalThis, {
  addEventListener: (/** @type {string} */ kind, /** @type {any} */ listener) => kind === 'storage' && listeners.push(listener)
})

/** Forget everything stored. */
export const forgetAll = () => kept.clear()

/** @param {string} key  without the canvas' place */
export const keptAs = (key) => kept.get(`${key} /`) ?? ''

/**
 * Another tab stores something.
 *
 * @param {string} key  without the canvas' place
 * @param {string} value  '' forgets
 */
export function otherTabKeeps(key, value) {
  if (value) kept.set(`${key} /`, value)
  else kept.delete(`${key} /`)
  for (const listener of listeners) listener({ key: `${key} /`, newValue: value || null })
}

/**
 * Answer requests from now on.
 *
 * @param {Record<string, Answer | ((body: any) => Answer) | null>} answers  by address; null: nobody answers
 * @returns {Asked[]} what is asked, as it comes
 */
export function serve(answers) {
  const asked = /** @type {Asked[]} */ ([])
  globalThis.fetch = async (address, options) => {
    const body = options?.body ? JSON.parse(String(options.body)) : undefined
    asked.push({ address: String(address), body })
    const found = answers[String(address)]
    if (!found) throw new TypeError('nobody answers')
    const { status = 200, body: told = {}, headers = {} } = typeof found === 'function' ? found(body) : found
    return new Response(JSON.stringify(told), { status, headers })
  }
  return asked
}
