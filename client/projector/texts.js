/**
 * The projector's texts, in each of the page's languages.
 */

import { addTexts } from '../words/language.js'

const en = {
  joinHere: 'Paint with us',
  gateOpens: 'Opens in',
  gateCloses: 'Closes in',
  gateClosed: 'Closed',
  daysLeft: '{days|one:# day|other:# days}, {clock}',
  projected: 'The shared canvas',
  peopleWatch: '{count|one:# person watches|other:# people watch}'
}

const de = {
  joinHere: 'Male mit',
  gateOpens: 'Öffnet in',
  gateCloses: 'Schließt in',
  gateClosed: 'Geschlossen',
  daysLeft: '{days|one:# Tag|other:# Tagen}, {clock}',
  projected: 'Die gemeinsame Leinwand',
  peopleWatch: '{count|one:# Person schaut zu|other:# Leute schauen zu}'
}

const fr = {
  joinHere: 'Peignez avec nous',
  gateOpens: 'Ouvre dans',
  gateCloses: 'Ferme dans',
  gateClosed: 'Fermé',
  daysLeft: '{days|one:# jour|other:# jours}, {clock}',
  projected: 'La toile commune',
  peopleWatch: '{count|one:# personne regarde|other:# personnes regardent}'
}

export const PROJECTOR_TEXTS = { en, de, fr }
addTexts(PROJECTOR_TEXTS)
