/**
 * The answer of `GET /info`, checked before the page relies on it. Pure; imports nothing at run time.
 */

const CLOCK_MS = 2_000 // the Date field has whole seconds, and takes a while to come

/**
 * @typedef {object} Info
 * @property {number} width
 * @property {number} height
 * @property {string[]} palette  '#rrggbb', index 0 is the blank colour
 * @property {string[]} colorNames  one for each colour
 * @property {import('../canvas/edit_code.js').EditCode} editCode
 * @property {number} version
 * @property {string} log
 * @property {import('../painting/cooldown.js').Cooldown} cooldown
 * @property {number} mostEdits  the most edits in one request; 1 if the server doesn't say
 * @property {SignIn} signIn
 * @property {boolean} challenge  whether painting without an account needs a proof of work
 * @property {boolean} about  whether `/about` has the host's description
 * @property {import('../gate/gate.js').Notices} notices  the host's notices to everybody
 * @property {number} aheadMs  how far the server's clock is ahead of this machine's; 0 if unknown
 */

/**
 * How people sign in.
 * @typedef {object} SignIn
 * @property {'open' | 'code' | 'oidc' | 'proxy'} mode  'open' if the server doesn't say
 * @property {boolean} required  whether painting needs an account
 * @property {boolean} toSee  whether watching needs one, too
 * @property {boolean} join  by a word for all, and a name
 * @property {boolean} codes
 * @property {{ name: string, title: string }[]} providers
 */

/**
 * @param {any} answer  parsed JSON
 * @param {string | null} [date]  the answer's Date field
 * @param {number} [now]
 * @returns {Info}
 * @throws {Error} something is missing, or is not what this page understands
 */
export function parseInfo(answer, date = null, now = 0) {
  const { width, height, palette, edit_code: code, version, log, cooldown } = Object(answer)
  for (const side of [width, height]) {
    if (!isInteger(side, 1, 4096)) throw new Error(`the server's canvas has a side of ${JSON.stringify(side)} pixels`)
  }
  if (!Array.isArray(palette) || !isInteger(palette.length, 1, 256)) throw new Error("the server's palette is missing")
  const odd = palette.find((color) => !/^#[0-9a-f]{6}$/i.test(color))
  if (odd !== undefined) throw new Error(`the server's palette has the colour ${JSON.stringify(odd)}`)
  if (![code?.x_bits, code?.y_bits, code?.color_bits].every((bits) => isInteger(bits, 0, 12))) {
    throw new Error("the server's edit code is missing")
  }
  if (!isInteger(code.bytes, 1, 4)) throw new Error(`the server's edit code takes ${JSON.stringify(code.bytes)} bytes`)
  if (!isInteger(version, 0, Number.MAX_SAFE_INTEGER)) throw new Error("the server's version is missing")
  if (typeof log !== 'string' || !log) throw new Error("the server's log id is missing")
  const names = Array.isArray(answer.color_names) ? answer.color_names : []
  return {
    width,
    height,
    palette,
    colorNames: palette.map((color, i) => (typeof names[i] === 'string' && names[i] ? names[i] : color)),
    editCode: code,
    version,
    log,
    mostEdits: Math.max(1, Math.floor(number(Object(answer.limits).edits))),
    cooldown: cooldownOf(cooldown),
    signIn: signInOf(answer.sign_in),
    challenge: answer.challenge === true,
    about: answer.about === true,
    notices: { gate: answer.gate, announcement: answer.announcement },
    aheadMs: aheadOf(date, now)
  }
}

/**
 * @param {string | null} date
 * @param {number} now
 */
function aheadOf(date, now) {
  const ahead = Date.parse(date ?? '') - now
  return Math.abs(ahead) > CLOCK_MS ? ahead : 0 // also without a date
}

/**
 * @param {any} said  parsed JSON
 * @returns {import('../painting/cooldown.js').Cooldown}
 */
export function cooldownOf(said) {
  const { charges, charge_seconds, remaining, next_seconds } = Object(said)
  return { charges: number(charges), charge_seconds: number(charge_seconds), remaining: number(remaining), next_seconds: number(next_seconds) }
}

/**
 * @param {any} said  parsed JSON
 * @returns {SignIn}
 */
function signInOf(said) {
  const { mode, required, watch, join, codes, providers } = Object(said)
  return {
    mode: ['code', 'oidc', 'proxy'].includes(mode) ? mode : 'open',
    required: required === true,
    toSee: watch === 'signed-in',
    join: join === true,
    codes: codes === true,
    providers: (Array.isArray(providers) ? providers : []).map(({ name, title }) => ({ name: String(name), title: String(title || name) }))
  }
}

/**
 * @param {unknown} value
 * @param {number} low
 * @param {number} high  included
 */
function isInteger(value, low, high) {
  return Number.isSafeInteger(value) && Number(value) >= low && Number(value) <= high
}

/** @param {unknown} value */
function number(value) {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : 0
}
