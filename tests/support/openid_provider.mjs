// A real OpenID provider, npm's oidc-provider, on 127.0.0.1: node openid_provider.mjs PORT CONFIGURATION
// CONFIGURATION is JSON: {clients, jwks, claimsInToken}. Anybody signs in under the name that they type, by the package's
// own pages (devInteractions). It prints a line when it listens.
import { createServer } from 'node:http'
// @ts-expect-error - it brings no types
import Provider from 'oidc-provider'

const [port, configuration] = process.argv.slice(2)
const { clients, jwks, claimsInToken } = JSON.parse(configuration)

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
createServer(provider.callback()).listen(Number(port), '127.0.0.1', () => console.log('listening'))
