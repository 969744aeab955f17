/**
 * The worker behind `pass.js`: it gets a challenge, and answers with the number that solves it, or null if there is none.
 * The search takes a second or more, too long for the page's own thread.
 */

import { isSolvable, solve } from './proof.js'

addEventListener('message', ({ data }) => postMessage(isSolvable(data) ? solve(data) : null))
