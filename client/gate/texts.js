/**
 * The texts about the gate and announcements, in each of the page's languages.
 */

import { addTexts } from '../words/language.js'

const en = {
  closedHeading: 'Painting is closed',
  notYetOpen: 'Not open yet',
  finished: 'Finished',
  opensIn: 'Opens in {time}',
  opensAt: 'Opens {moment}',
  opensSoon: 'Opens any moment',
  closesIn: 'Closes in {time}',
  closesSoon: 'Closes any moment',
  daysAndTime: '{days|one:# day|other:# days}, {clock}',
  watchFilm: 'Watch the film',
  nowOpen: 'The canvas is open: paint!',
  nowClosed: 'The canvas is closed now.',
  announcement: 'The host says'
}

/** @type {typeof en} */
const de = {
  closedHeading: 'Das Malen ist geschlossen',
  notYetOpen: 'Noch nicht geöffnet',
  finished: 'Beendet',
  opensIn: 'Öffnet in {time}',
  opensAt: 'Öffnet {moment}',
  opensSoon: 'Öffnet gleich',
  closesIn: 'Schließt in {time}',
  closesSoon: 'Schließt gleich',
  daysAndTime: '{days|one:# Tag|other:# Tagen}, {clock}',
  watchFilm: 'Film ansehen',
  nowOpen: 'Die Leinwand ist offen: Male!',
  nowClosed: 'Die Leinwand ist jetzt geschlossen.',
  announcement: 'Der Gastgeber sagt'
}

/** @type {typeof en} */
const fr = {
  closedHeading: 'La peinture est fermée',
  notYetOpen: 'Pas encore ouverte',
  finished: 'Terminée',
  opensIn: 'Ouvre dans {time}',
  opensAt: 'Ouvre {moment}',
  opensSoon: 'Ouvre d’un moment à l’autre',
  closesIn: 'Ferme dans {time}',
  closesSoon: 'Ferme d’un moment à l’autre',
  daysAndTime: '{days|one:# jour|other:# jours}, {clock}',
  watchFilm: 'Voir le film',
  nowOpen: 'La toile est ouverte : peignez !',
  nowClosed: 'La toile est fermée maintenant.',
  announcement: 'L’hôte dit'
}

export const GATE_TEXTS = { en, de, fr }

addTexts(GATE_TEXTS)
