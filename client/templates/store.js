/**
 * The templates that the browser keeps, in IndexedDB; never more than `checkRoom` allows, even if other windows add some.
 */

import { checkRoom } from './template.js'

/** @typedef {import('./template.js').Template} Template */

// Canvases of one host lie at different paths, and each has templates of its own.
const NAME = `placed templates ${new URL('.', document.baseURI).pathname}`
const STORE = 'templates'

/** @returns {Promise<Template[]>}  from the lowest to the topmost */
export const load = () => run('readonly', (store) => store.getAll())

/** @param {number} id */
export const forget = (id) => run('readwrite', (store) => store.delete(id))

/**
 * Keep a template, in place of the one with its id.
 *
 * @param {Template} template
 * @throws {Error} there are too many, or the browser stores nothing more or nothing at all
 */
export async function keep(template) {
  checkRoom([...(await load()).filter(({ id }) => id !== template.id), template])
  await run('readwrite', (store) => store.put(template))
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} act
 * @returns {Promise<any>} the request's result, once it is on disk
 */
function run(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(NAME, 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'id' })
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(STORE, mode)
      const request = act(transaction.objectStore(STORE))
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = () => reject(transaction.error)
      opening.result.close() // once the transaction is done
    }
  })
}
