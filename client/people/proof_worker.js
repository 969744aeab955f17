/**
 * The worker behind `pass.js`: it is told a challenge, and answers with the number that solves it, or null where it finds
 * none. The search takes a second or more, which the page's own thread doesn't have.
 */

import { isSolvable, solve } from './proof.js'

addEventListener('message', ({ data }) => postMessage(isSolvable(data) ? solve(data) : null))
