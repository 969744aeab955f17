/**
 * The commands of `resync.js`, and their results. Only types: no browser loads this file.
 */

/**
 * @typedef {{ do: 'info', run: number }} LoadInfo
 * @typedef {{ do: 'image', run: number, query: string }} LoadImage  `query` gets round caches; '' is the usual address
 * @typedef {{ do: 'stream', run: number, version: number, log: string }} OpenStream
 * @typedef {{ do: 'poll', run: number, version: number, log: string, waitSeconds: number }} Poll
 * @typedef {{ do: 'follow' | 'wait' | 'rest', run: number }} Idle  stop the running command; 'follow': another tab has the
 *   stream
 * @typedef {LoadInfo | LoadImage | OpenStream | Poll | Idle} Command
 */

/** @typedef {'connecting' | 'catching-up' | 'live' | 'read-only' | 'offline'} Connection */
/** @typedef {'info' | 'image' | 'stream' | 'poll' | 'pause' | 'follow' | 'delta' | 'waiting' | 'resting'} Step */
/** @typedef {import('./refusals.js').Refusal} Refusal */

/**
 * How a command ended.
 * @typedef {object} End
 * @property {number} [retryAfterMs]  how long the server asked to wait
 * @property {Refusal | null} [refused]  the server, or a proxy, answered, but not to this request
 * @property {boolean} [failed]  nobody answered: the network failed
 */

/** @typedef {import('../gate/gate.js').Notices} Notices */
/** @typedef {{ version: number, viewers: number, writable: boolean, notices?: Notices }} Status  what the server tells of itself */

/**
 * The state of the tab that has the stream.
 * @typedef {object} Lead
 * @property {Connection} connection
 * @property {string | null} log
 * @property {number} version
 * @property {number | null} viewers
 * @property {number} retryAt  of the next attempt, while it waits
 * @property {Refusal | null} refusal
 * @property {boolean} polls
 * @property {Notices | null} [notices]  null: it has got none; a tab of an older page leaves them out
 */

export {}
