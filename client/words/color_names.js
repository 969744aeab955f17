/**
 * The server's names for colours (`placed/canvas/palette.py`) in the page's other languages. Within a language no two are
 * the same.
 */

import { language } from './language.js'

/** @type {Record<string, Record<string, string>>} */
export const COLORS = {
  white: { de: 'Weiß', fr: 'blanc' },
  'light grey': { de: 'Hellgrau', fr: 'gris clair' },
  grey: { de: 'Grau', fr: 'gris' },
  'dark grey': { de: 'Dunkelgrau', fr: 'gris foncé' },
  black: { de: 'Schwarz', fr: 'noir' },
  pink: { de: 'Rosa', fr: 'rose' },
  'light pink': { de: 'Hellrosa', fr: 'rose clair' },
  magenta: { de: 'Magenta', fr: 'magenta' },
  burgundy: { de: 'Weinrot', fr: 'bordeaux' },
  'dark red': { de: 'Dunkelrot', fr: 'rouge foncé' },
  red: { de: 'Rot', fr: 'rouge' },
  'light red': { de: 'Hellrot', fr: 'rouge clair' },
  orange: { de: 'Orange', fr: 'orange' },
  brown: { de: 'Braun', fr: 'marron' },
  'dark brown': { de: 'Dunkelbraun', fr: 'marron foncé' },
  beige: { de: 'Beige', fr: 'beige' },
  olive: { de: 'Oliv', fr: 'olive' },
  yellow: { de: 'Gelb', fr: 'jaune' },
  'pale yellow': { de: 'Blassgelb', fr: 'jaune pâle' },
  'light green': { de: 'Hellgrün', fr: 'vert clair' },
  green: { de: 'Grün', fr: 'vert' },
  'dark green': { de: 'Dunkelgrün', fr: 'vert foncé' },
  'dark teal': { de: 'Dunkles Blaugrün', fr: 'sarcelle foncé' },
  teal: { de: 'Blaugrün', fr: 'sarcelle' },
  'light teal': { de: 'Helles Blaugrün', fr: 'sarcelle clair' },
  cyan: { de: 'Cyan', fr: 'cyan' },
  'light blue': { de: 'Hellblau', fr: 'bleu clair' },
  blue: { de: 'Blau', fr: 'bleu' },
  'medium blue': { de: 'Mittelblau', fr: 'bleu moyen' },
  'dark blue': { de: 'Dunkelblau', fr: 'bleu foncé' },
  indigo: { de: 'Indigo', fr: 'indigo' },
  periwinkle: { de: 'Blauviolett', fr: 'pervenche' },
  lavender: { de: 'Lavendel', fr: 'lavande' },
  'pale purple': { de: 'Blasslila', fr: 'violet pâle' },
  'light purple': { de: 'Helllila', fr: 'violet clair' },
  purple: { de: 'Lila', fr: 'violet' },
  'dark purple': { de: 'Dunkellila', fr: 'violet foncé' }
}

/**
 * Translate the server's name for a colour into the page's language.
 *
 * @param {string} name  in English, and perhaps with a number, as `red 2`; any other name comes back unchanged
 * @param {string} [tag]
 */
export function colorName(name, tag = language) {
  const [, word = name, number = ''] = /^(.+?)( \d+)?$/.exec(name) ?? []
  const known = Object.hasOwn(COLORS, word) && COLORS[word][tag]
  return known ? known + number : name
}
