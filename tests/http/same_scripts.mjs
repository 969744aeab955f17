/**
 * Checks whether scripts still mean the same. Standard input has `[{ path, source, served }, …]` as JSON; standard output
 * gets the paths of scripts whose syntax trees differ, as JSON. A script that can't be parsed ends the program with an error.
 */

import { parse } from 'acorn'

/**
 * A script's syntax tree without positions; a regular expression's object doesn't go into JSON, its source does.
 * @param {string} script
 */
function tree(script) {
  const options = /** @type {const} */ ({ ecmaVersion: 'latest', sourceType: 'module' })
  return JSON.stringify(parse(script, options), (key, value) => {
    if (key === 'start' || key === 'end' || key === 'raw') return undefined
    return typeof value === 'bigint' ? String(value) : value
  })
}

/** @type {string[]} */
const pieces = []
process.stdin.setEncoding('utf8')
for await (const piece of process.stdin) pieces.push(piece)
/** @type {{ path: string, source: string, served: string }[]} */
const scripts = JSON.parse(pieces.join(''))
const differing = scripts.filter(({ source, served }) => tree(source) !== tree(served)).map(({ path }) => path)
console.log(JSON.stringify(differing))
