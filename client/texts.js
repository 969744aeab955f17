/**
 * Every text of the page, in each of its languages. Another language is another entry with the same keys.
 * Pure; imports nothing.
 */

const en = {
  live: 'Live',
  connecting: 'Connecting…',
  catchingUp: 'Catching up…',
  readOnly: 'Read-only',
  offline: 'Offline',
  offlinePaint: 'Offline: painting goes on when the server is back.',
  readOnlyPaint: 'The server cannot save pixels just now; painting goes on when it can.',
}

/** @type {typeof en} */
const de = {
  live: 'Live',
  connecting: 'Verbinde…',
  catchingUp: 'Hole auf…',
  readOnly: 'Nur lesen',
  offline: 'Offline',
  offlinePaint: 'Offline: Malen geht weiter, sobald der Server wieder da ist.',
  readOnlyPaint: 'Der Server kann gerade keine Pixel speichern; Malen geht weiter, sobald er es kann.',
}

/** @type {typeof en} */
const fr = {
  live: 'En direct',
  connecting: 'Connexion…',
  catchingUp: 'Rattrapage…',
  readOnly: 'Lecture seule',
  offline: 'Hors ligne',
  offlinePaint: 'Hors ligne : vous pourrez peindre au retour du serveur.',
  readOnlyPaint: 'Le serveur ne peut pas enregistrer de pixels pour l’instant ; vous pourrez peindre dès qu’il le pourra.',
}

export const TEXTS = { en, de, fr }
