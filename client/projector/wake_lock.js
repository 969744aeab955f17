/**
 * Keeps the screen awake while the page is seen, where the browser can: Chromium, Safari and Firefox on https, or on
 * localhost. Elsewhere the system's own settings decide.
 */

export function stayAwake() {
  const wake = () => {
    // A hidden page loses it, and a battery that runs low may refuse it.
    if (!document.hidden) navigator.wakeLock?.request('screen').catch(() => {})
  }
  document.addEventListener('visibilitychange', wake)
  wake()
}
