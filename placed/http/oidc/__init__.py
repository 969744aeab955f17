"""Signing in with an account elsewhere: at OpenID providers, and at Discord.

    browser            this server                            provider
      | GET /sign-in/oidc/NAME |                                 |
      |<-- 303, flow cookie ---|                                 |
      |--------- signs in there (state, nonce, PKCE) ----------->|
      |<-- 303 to .../callback with code and state --------------|
      | GET .../callback       |                                 |
      |                        |-- code, secret, verifier ------>|
      |                        |<-- ID token, signed ------------|
      |<-- 303 to the page, session cookie

`flow` is the cookie that a browser takes along. `provider` and `discord` speak to a provider. `id_token` says whether
to believe its answer. `metadata` and `discovery` know its endpoints and the keys with which it signs. `fetching` limits
what it may send, and `signing_in` has the two endpoints. The rest of the server imports this folder only if a provider
is configured: the extra placed[oidc] brings its libraries.
"""
