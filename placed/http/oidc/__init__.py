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

`flow` is what a browser is given to take along, `provider` and `discord` speak to a provider, `id_token` says whether
to believe it, `metadata` and `discovery` know where it is and by which keys it signs, `fetching` bounds what it may
send, and `signing_in` has the two endpoints. The rest of the server imports none of it unless a provider is configured:
the extra placed[oidc] brings its libraries.
"""
