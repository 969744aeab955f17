/**
 * Asks the server again and again while somebody sees the page: it doesn't send other moderators' changes by itself. Pure,
 * except for the clock.
 */

export const LOOK_MS = 4_000 // soon enough for two who work side by side, and a quarter of a request each second

/**
 * Look every few seconds, one look at a time, and at once when somebody sees the page again. Don't ask while nobody sees it.
 *
 * @param {() => Promise<void>} look
 * @param {EventTarget & { readonly hidden: boolean }} [page]
 * @returns {() => void} ends it
 */
export function keepLooking(look, page = document) {
  let timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
  let isLooking = false
  let hasEnded = false

  const wait = () => {
    clearTimeout(timer)
    if (!hasEnded && !page.hidden) timer = setTimeout(turn, LOOK_MS)
  }
  const turn = async () => {
    if (isLooking) return
    isLooking = true
    try {
      await look()
    } finally {
      isLooking = false
      wait()
    }
  }
  const seen = () => {
    clearTimeout(timer)
    if (!page.hidden) void turn()
  }

  page.addEventListener('visibilitychange', seen)
  wait()
  return () => {
    hasEnded = true
    clearTimeout(timer)
    page.removeEventListener('visibilitychange', seen)
  }
}
