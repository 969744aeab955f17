/**
 * The texts of the canvas' past, in each of the page's languages.
 */

import { addTexts } from '../words/language.js'

const en = {
  moment: 'Moment',
  now: 'Now',
  backToNow: 'Back to now',
  play: 'Play',
  pause: 'Pause',
  backwards: 'Backwards',
  stepBack: 'One pixel back',
  stepOn: 'One pixel on',
  speed: 'Speed',
  times: '{speed} ×',
  heat: 'Where it was painted most',
  untouched: 'Pixels that nobody has painted',
  film: 'Download the film',
  filming: 'Recording the film: {percent} %. Press again to stop.',
  noRecorder: 'This browser cannot record a film. The command "placed timelapse" makes one.',
  loadingPast: 'Loading …',
  noHistory: 'This canvas keeps no history of that.',
  pastIndexing: 'The server is still preparing the history. Try again in a moment.',
  pastNotLoaded: 'The history did not load. Try again in a moment.',
  aboutPixel: 'About this pixel',
  pixelAt: 'Pixel {x}, {y}',
  neverPainted: 'Nobody has painted this pixel.',
  earlierEdits: 'Earlier colours',
  seeMoment: 'See that moment',
  by: 'by {name}',
  byModerators: 'by the moderators',
  grown: 'The canvas grew'
}

const de = {
  moment: 'Zeitpunkt',
  now: 'Jetzt',
  backToNow: 'Zurück zu jetzt',
  play: 'Abspielen',
  pause: 'Anhalten',
  backwards: 'Rückwärts',
  stepBack: 'Ein Pixel zurück',
  stepOn: 'Ein Pixel weiter',
  speed: 'Tempo',
  times: '{speed} ×',
  heat: 'Wo am meisten gemalt wurde',
  untouched: 'Pixel, die niemand gemalt hat',
  film: 'Film herunterladen',
  filming: 'Der Film wird aufgenommen: {percent} %. Noch einmal drücken bricht ab.',
  noRecorder: 'Dieser Browser kann keinen Film aufnehmen. Der Befehl „placed timelapse“ macht einen.',
  loadingPast: 'Lädt …',
  noHistory: 'Davon hat diese Leinwand keinen Verlauf.',
  pastIndexing: 'Der Server bereitet den Verlauf noch vor. Versuche es gleich noch einmal.',
  pastNotLoaded: 'Der Verlauf wurde nicht geladen. Versuche es gleich noch einmal.',
  aboutPixel: 'Zu diesem Pixel',
  pixelAt: 'Pixel {x}, {y}',
  neverPainted: 'Dieses Pixel hat niemand gemalt.',
  earlierEdits: 'Frühere Farben',
  seeMoment: 'Diesen Moment zeigen',
  by: 'von {name}',
  byModerators: 'von der Moderation',
  grown: 'Die Leinwand wuchs'
}

const fr = {
  moment: 'Moment',
  now: 'Maintenant',
  backToNow: 'Revenir à maintenant',
  play: 'Lire',
  pause: 'Pause',
  backwards: 'À l’envers',
  stepBack: 'Un pixel en arrière',
  stepOn: 'Un pixel en avant',
  speed: 'Vitesse',
  times: '{speed} ×',
  heat: 'Où l’on a le plus peint',
  untouched: 'Pixels que personne n’a peints',
  film: 'Télécharger le film',
  filming: 'Enregistrement du film : {percent} %. Appuyez encore pour arrêter.',
  noRecorder: 'Ce navigateur ne peut pas enregistrer de film. La commande « placed timelapse » en fait un.',
  loadingPast: 'Chargement…',
  noHistory: 'Cette toile n’en garde pas l’historique.',
  pastIndexing: 'Le serveur prépare encore l’historique. Réessayez dans un instant.',
  pastNotLoaded: 'L’historique n’a pas été chargé. Réessayez dans un instant.',
  aboutPixel: 'À propos de ce pixel',
  pixelAt: 'Pixel {x}, {y}',
  neverPainted: 'Personne n’a peint ce pixel.',
  earlierEdits: 'Couleurs précédentes',
  seeMoment: 'Voir ce moment',
  by: 'par {name}',
  byModerators: 'par la modération',
  grown: 'La toile a grandi'
}

export const PAST_TEXTS = { en, de, fr }
addTexts(PAST_TEXTS)
