/**
 * Keeps the screen awake while the page is visible, if the browser can: Chromium, Safari and Firefox on https, or on
 * localhost. Elsewhere the system's own settings decide.
 */

export function stayAwake() {
  const wake = () => {
    // A hidden page loses the lock, and the system may refuse it when the battery is low.
    if (!document.hidden) navigator.wakeLock?.request('screen').catch(() => {})
  }
  document.addEventListener('visibilitychange', wake)
  wake()
}
