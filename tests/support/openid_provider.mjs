// Real OpenID providers (npm's oidc-provider) on 127.0.0.1. One process opens as many as tests want, because reading the
// package takes longer than most of these tests.
//
//     standard input     a line of JSON for each thing to do: {"open": PORT, clients, jwks, claimsInToken}, or
//                        {"close": PORT}, which cuts all connections. End of file ends the process
//     standard output    a line when it is done
//
// A person signs in under any name that they type, on the package's own pages (devInteractions).
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
// @ts-expect-error - it brings no types
import Provider from 'oidc-provider'

console.log = console.info = console.error // the package also prints notices, which aren't answers

/** @type {Map<number, import('node:http').Server>} */
const servers = new Map()

/** @param {any} told */
async function open({ open: port, clients, jwks, claimsInToken }) {
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients,
    jwks,
    claims: { openid: ['sub'], profile: ['name', 'nickname', 'preferred_username'] },
    conformIdTokenClaims: !claimsInToken,
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['only for tests'] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    async findAccount(/** @type {unknown} */ _context, /** @type {string} */ id) {
      return { accountId: id, claims: async () => ({ sub: id, preferred_username: id }) }
    },
  })
  const server = createServer(provider.callback())
  await new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(null)))
  servers.set(port, server)
}

/** @param {number} port */
async function close(port) {
  const server = /** @type {import('node:http').Server} */ (servers.get(port))
  servers.delete(port)
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
}

for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line)
  await ('open' in told ? open(told) : close(told.close))
  process.stdout.write('done\n')
}
process.exit()
