/**
 * The texts of reporting a place, in each of the page's languages.
 */

import { addTexts } from '../words/language.js'

const en = {
  report: 'Report this place',
  reportWhy: 'What is wrong here?',
  reportHint: 'Moderators see it, with the canvas as it is now, and who sent it.',
  reportSend: 'Send',
  reported: 'Thank you. The moderators will see it.',
  reportBadText: 'That text is too long, or has invisible characters.',
  reportTooMany: 'You have reported enough for now.'
}

const de = {
  report: 'Diese Stelle melden',
  reportWhy: 'Was ist hier nicht in Ordnung?',
  reportHint: 'Die Moderation sieht es, mit der Leinwand, wie sie jetzt ist, und von wem es kommt.',
  reportSend: 'Senden',
  reported: 'Danke. Die Moderation sieht es sich an.',
  reportBadText: 'Der Text ist zu lang oder hat unsichtbare Zeichen.',
  reportTooMany: 'Du hast für jetzt genug gemeldet.'
}

const fr = {
  report: 'Signaler cet endroit',
  reportWhy: 'Qu’est-ce qui ne va pas ici ?',
  reportHint: 'La modération le verra, avec la toile telle qu’elle est, et qui l’a envoyé.',
  reportSend: 'Envoyer',
  reported: 'Merci. La modération va regarder.',
  reportBadText: 'Ce texte est trop long, ou a des caractères invisibles.',
  reportTooMany: 'Vous avez assez signalé pour l’instant.'
}

export const REPORTING_TEXTS = { en, de, fr }
addTexts(REPORTING_TEXTS)
