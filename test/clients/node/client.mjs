// An application built on openid-client: it signs a person in with authorization
// code and PKCE, and does with the tokens what applications do.
//
// Every line it prints is a JSON object. One with the member go_to is where a web
// application would redirect the person; the application then reads from its
// standard input the address at which they came back.
import { createInterface } from 'node:readline'
import { env, exit } from 'node:process'
import { createRemoteJWKSet, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (what) => console.log(JSON.stringify(what))
const send = async (url) => {
  say({ go_to: url.href })
  return new URL((await lines.next()).value)
}

// How the application proves who it is: as it was registered.
const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(env.CLIENT_SECRET),
  client_secret_post: () => client.ClientSecretPost(env.CLIENT_SECRET),
  private_key_jwt: async () => {
    const jwk = JSON.parse(env.CLIENT_KEY)
    return client.PrivateKeyJwt({ key: await importJWK(jwk), kid: jwk.kid })
  },
  none: () => client.None(),
}

// Discovery. Without the first of the two, only https is spoken; without the
// second, the signature of an ID token that came by https is not looked at.
const config = await client.discovery(
  new URL(env.ISSUER),
  env.CLIENT_ID,
  undefined,
  await authentication[env.CLIENT_AUTH](),
  { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
)
const server = config.serverMetadata()

// Sign in. A web application keeps these three in the person's session.
const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
const callback = await send(
  client.buildAuthorizationUrl(config, {
    redirect_uri: env.REDIRECT_URI,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }),
)
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
})
const person = tokens.claims()
say({ id_token: person, id_token_alg: decodeProtectedHeader(tokens.id_token).alg })

// Who is it?
say({ userinfo: await client.fetchUserInfo(config, tokens.access_token, person.sub) })

// What a service does with the access token that it is sent (RFC 9068).
const { payload } = await jwtVerify(tokens.access_token, createRemoteJWKSet(new URL(server.jwks_uri)), {
  issuer: server.issuer,
  audience: server.issuer,
  typ: 'at+jwt',
  requiredClaims: ['exp', 'iat', 'sub', 'jti', 'client_id'],
})
say({ access_token: payload })

// A while later.
const fresh = await client.refreshTokenGrant(config, tokens.refresh_token)
say({ refreshed_id_token: fresh.claims() })

// Is it still good? Only an application that can authenticate may ask (RFC 7662).
const introspect = async () =>
  env.CLIENT_AUTH === 'none' ? undefined : await client.tokenIntrospection(config, fresh.access_token)
say({ introspection: await introspect() })

// Give up what the person allowed; the access token ends with it.
await client.tokenRevocation(config, fresh.refresh_token)
say({ introspection_after_revocation: await introspect() })
const refusal = await client.refreshTokenGrant(config, fresh.refresh_token).catch((error) => error)
say({ refresh_after_revocation: refusal.error })

// Sign out, here and at the server.
const farewell = client.randomState()
const after = await send(
  client.buildEndSessionUrl(config, {
    id_token_hint: fresh.id_token,
    post_logout_redirect_uri: env.POST_LOGOUT_REDIRECT_URI,
    state: farewell,
  }),
)
say({ signed_out: after.searchParams.get('state') === farewell })
exit()
