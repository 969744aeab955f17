import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'

import { forgetAll, keptAs, otherTabKeeps, serve } from './people_browser.js'
import { Refusal, whyRefused } from '../../client/people/asking.js'
import { onKept } from '../../client/people/memory.js'
import { Person, authorKept } from '../../client/people/person.js'

const COOLDOWN = { charges: 10, charge_seconds: 3, remaining: 7, next_seconds: 2 }
const ADA = { signed_in: true, name: 'Ada', author: '0123456789abcdef', roles: ['person'], cooldown: COOLDOWN }
const OUT = { signed_in: false, name: null, author: null, roles: [], cooldown: COOLDOWN }
const IN = { signedIn: true, name: 'Ada', author: '0123456789abcdef', roles: ['person'] }

function newPerson() {
  const changes = /** @type {string[]} */ ([])
  const cooldowns = /** @type {object[]} */ ([])
  const person = new Person({
    changed: (me, before) => changes.push(`${before ? (before.signedIn ? before.name : 'out') : '?'} > ${me.signedIn ? me.name : 'out'}`),
    gotCooldown: (cooldown) => cooldowns.push(cooldown)
  })
  return { person, changes, cooldowns }
}

beforeEach(forgetAll)

test('the server says who it is, and what charges they have', async () => {
  const { person, changes, cooldowns } = newPerson()
  assert.equal(person.me, null)
  serve({ me: { body: ADA } })
  await person.look()
  assert.deepEqual(person.me, IN)
  assert.deepEqual(cooldowns, [COOLDOWN])
  await person.look()
  assert.deepEqual(changes, ['? > Ada'])
})

test('whoever is not signed in is nobody, whatever else is said', async () => {
  const { person } = newPerson()
  for (const body of [OUT, {}, { ...ADA, signed_in: 'yes' }]) {
    serve({ me: { body } })
    await person.look()
    assert.deepEqual(person.me, { signedIn: false, name: '', author: '', roles: [] })
  }
})

test('a person without a name, and with odd roles, is one all the same', async () => {
  const { person } = newPerson()
  serve({ me: { body: { ...ADA, name: null, roles: null } } })
  await person.look()
  assert.deepEqual(person.me, { ...IN, name: '', roles: [] })
})

test('signing in posts what was said, and finds out who it is', async () => {
  const { person, changes } = newPerson()
  const asked = serve({ 'sign-in': { body: ADA }, me: { body: ADA } })
  await person.signIn({ join: 'WORD', name: 'Ada' })
  assert.deepEqual(asked, [{ address: 'sign-in', body: { join: 'WORD', name: 'Ada' } }, { address: 'me', body: undefined }])
  assert.deepEqual(changes, ['? > Ada'])
})

test('a refused sign-in leaves everything as it was', async () => {
  const { person, changes } = newPerson()
  serve({ 'sign-in': { status: 403, body: { code: 'wrong-code' } } })
  await assert.rejects(person.signIn({ code: 'A' }), (error) => error instanceof Refusal && error.code === 'wrong-code')
  assert.equal(person.me, null)
  assert.deepEqual(changes, [])
})

test('signing out, also everywhere, and a session that has ended make nobody of them', async () => {
  for (const [everywhere, body] of /** @type {[boolean, object][]} */ ([[false, {}], [true, { everywhere: true }]])) {
    const { person, changes } = newPerson()
    serve({ me: { body: ADA } })
    await person.look()
    const asked = serve({ 'sign-out': {}, me: { body: OUT } })
    await person.signOut(everywhere)
    assert.deepEqual(asked[0], { address: 'sign-out', body })
    assert.deepEqual(changes, ['? > Ada', 'Ada > out'])
  }
})

test('a sign-out that fails leaves them signed in', async () => {
  const { person } = newPerson()
  serve({ me: { body: ADA } })
  await person.look()
  serve({ 'sign-out': null })
  await assert.rejects(person.signOut(false), (error) => error instanceof Refusal && error.status === 0)
  assert.equal(person.me?.signedIn, true)
})

test('another name is theirs once the server has said so', async () => {
  const { person, changes } = newPerson()
  serve({ me: { body: ADA } })
  await person.look()
  serve({ 'me/name': (body) => ({ body: { ...ADA, name: body.name } }) })
  await person.rename('Grace')
  assert.equal(person.me?.name, 'Grace')
  assert.deepEqual(changes, ['? > Ada', 'Ada > Grace'])
})

test('an answer that is older than a later question is no news', async () => {
  const { person } = newPerson()
  serve({ me: { body: ADA } })
  const late = person.look()
  person.ended()
  await late
  assert.equal(person.me?.signedIn, false)
})

test('other tabs hear of it, and only when it changes', async () => {
  const { person } = newPerson()
  serve({ me: { body: OUT } })
  await person.look()
  assert.equal(keptAs('placed.session'), '')
  serve({ 'sign-in': { body: ADA }, me: { body: ADA } })
  await person.signIn({ code: 'A' })
  const mark = keptAs('placed.session')
  assert.equal(authorKept(), ADA.author)
  assert.ok(!mark.includes('Ada'), 'no name is kept')
  await person.look()
  assert.equal(keptAs('placed.session'), mark)
  person.ended()
  assert.equal(keptAs('placed.session'), '')
})

test('what another tab keeps is heard, of this canvas alone', () => {
  const heard = /** @type {string[]} */ ([])
  onKept('session', (value) => heard.push(value))
  otherTabKeeps('placed.session', 'abc 1')
  otherTabKeeps('placed.pass', '{}')
  otherTabKeeps('placed.session', '')
  assert.deepEqual(heard, ['abc 1', ''])
})

test('a refusal says what to do', async () => {
  /** @type {[import('./people_browser.js').Answer | null, RegExp][]} */
  const answers = [
    [{ status: 401, body: { code: 'sign-in' } }, /Sign in, and try again/],
    [{ status: 403, body: { code: 'wrong-code' } }, /ask the host for another/],
    [{ status: 409, body: { code: 'name-taken' } }, /Choose another/],
    [{ status: 429, body: { code: 'too-many-people' }, headers: { 'Retry-After': '1800' } }, /ask the host for a code\. Try again in 30\smin/],
    [{ status: 429, body: { code: 'too-many-attempts', retry_after_seconds: 12.2 } }, /Try again in 13\ss/],
    [{ status: 403, body: { code: 'challenge' } }, /get ready to paint/],
    [{ status: 400, body: { code: 'invalid-parameter', parameter: 'name', detail: 'name is too long' } }, /1 to 24/],
    [{ status: 400, body: { code: 'invalid-body', detail: 'the body is no JSON' } }, /^the body is no JSON$/],
    [{ status: 403 }, /\(403\)/],
    [{ status: 429, headers: { 'Retry-After': 'Mon, 23 Nov 2026 22:00:00 GMT' } }, /too much to do just now\.$/],
    [{ status: 503, headers: { 'Retry-After': '5' } }, /just now\. Try again in 5/],
    [{ status: 500, body: { detail: 'a traceback' } }, /\(500\)/],
    [null, /network/]
  ]
  for (const [answer, words] of answers) {
    serve({ me: answer })
    const { person } = newPerson()
    const error = await person.look().catch((refused) => refused)
    assert.match(whyRefused(error), words)
  }
})

test('what is no refusal is none', () => {
  assert.throws(() => whyRefused(new RangeError('ours')), RangeError)
})
