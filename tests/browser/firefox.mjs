/**
 * The page in Firefox, driven by WebDriver BiDi. `test_firefox.py` starts it, sends it commands, and compares its answers
 * with the server.
 *
 *     arguments          the path of Firefox; more preferences, as JSON
 *     standard input     a command a line, as JSON: ["open", URL], ["ask", EXPRESSION], ["drawn", X, Y], ["click", X, Y],
 *                        ["wheel", X, Y, DELTA], ["complaints"]; x and y are canvas pixels. ["tab", N] goes to the tab with
 *                        this number from 0 on, or opens one, ["close"] closes all but the first. End of file ends the browser
 *     standard output    for each command a line of JSON: { "ok": VALUE }, or { "error": MESSAGE }
 */

import { createInterface } from 'node:readline'

import puppeteer from 'puppeteer-core'

const LIMIT_MS = 90_000
const QUIET = {
  'network.dns.localDomains': 'placed.test', // a name of this machine: not a secure context over plain HTTP
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.newtabpage.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.enabled': false
}

const browser = await puppeteer.launch({
  browser: 'firefox',
  executablePath: process.argv[2],
  headless: true,
  extraPrefsFirefox: { ...QUIET, ...JSON.parse(process.argv[3]) },
  timeout: LIMIT_MS
})
/** @type {string[]} */
const complaints = []

async function newTab() {
  const tab = await browser.newPage()
  tab.setDefaultTimeout(LIMIT_MS)
  await tab.setViewport({ width: 1000, height: 700 })
  tab.on('console', (message) => complaints.push(message.text()))
  tab.on('pageerror', (error) => complaints.push(String(error)))
  tab.on('response', (answer) => answer.status() >= 400 && complaints.push(`${answer.status()} ${answer.url()}`))
  return tab
}

let page = await newTab()
const tabs = [page]

/**
 * Where the middle of a canvas pixel is in the window, in CSS pixels.
 *
 * @param {number} x
 * @param {number} y
 * @returns {Promise<{ x: number, y: number }>}
 */
const placeOf = (x, y) => page.evaluate(`placed.screenOf(${x}, ${y})`).then((place) => /** @type {any} */ (place))

/** @type {Record<string, (...values: any[]) => Promise<unknown>>} */
const commands = {
  async open(url) {
    await page.goto(url)
  },
  async ask(expression) {
    return page.evaluate(expression)
  },
  /** The PNG of one drawn pixel, as base64. */
  async drawn(x, y) {
    const place = await placeOf(x, y)
    const clip = { x: Math.round(place.x), y: Math.round(place.y), width: 1, height: 1 }
    return page.screenshot({ clip, encoding: 'base64' })
  },
  async click(x, y) {
    const place = await placeOf(x, y)
    await page.mouse.click(place.x, place.y)
  },
  async wheel(x, y, deltaY) {
    const place = await placeOf(x, y)
    await page.mouse.move(place.x, place.y)
    await page.mouse.wheel({ deltaY })
  },
  async tab(number) {
    page = tabs[number] ??= await newTab()
    await page.bringToFront()
  },
  async close() {
    for (const tab of tabs.splice(1)) await tab.close()
    page = tabs[0]
    await page.bringToFront()
  },
  async complaints() {
    return complaints.splice(0)
  }
}

console.log(JSON.stringify({ ok: await browser.version() }))
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...values] = JSON.parse(line)
  try {
    console.log(JSON.stringify({ ok: (await commands[name](...values)) ?? null }))
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }))
  }
}
await browser.close()
