/**
 * Every text of the page, in each of its languages. Another language is another entry with the same keys.
 * Pure; imports nothing.
 */

const en = {
  live: 'Live',
  connecting: 'Connecting…',
  catchingUp: 'Catching up…',
  offline: 'Offline',
}

/** @type {typeof en} */
const de = {
  live: 'Live',
  connecting: 'Verbinde…',
  catchingUp: 'Hole auf…',
  offline: 'Offline',
}

/** @type {typeof en} */
const fr = {
  live: 'En direct',
  connecting: 'Connexion…',
  catchingUp: 'Rattrapage…',
  offline: 'Hors ligne',
}

export const TEXTS = { en, de, fr }
