// An application built on oauth4webapi, a library of single protocol messages: it signs a user in
// with a signed, pushed authorization request, uses tokens that are bound to a key, and signs the
// user out. Its resource server verifies them with the same library.
//
// It prints JSON objects, one per line, as client.mjs does.
import { createInterface } from 'node:readline'
import { env, exit } from 'node:process'
import { createRemoteJWKSet, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { fetchWithCertificate } from './mutual-tls.mjs'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const print = (result) => console.log(JSON.stringify(result))
const send = async (url) => {
  print({ go_to: url.href })
  return new URL((await lines.next()).value)
}

// The key of the client, for its assertions and request objects.
const jwk = env.CLIENT_KEY && JSON.parse(env.CLIENT_KEY)
const clientKey = jwk && { key: await importJWK(jwk), kid: jwk.kid }
const auth = env.TLS_CERT ? oauth.TlsClientAuth() : oauth.PrivateKeyJwt(clientKey)

const http = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: fetchWithCertificate }
const issuer = new URL(env.ISSUER)
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
const app = {
  client_id: env.CLIENT_ID,
  ...(env.TLS_CERT && { use_mtls_endpoint_aliases: true }),
  ...(env.JARM && { authorization_signed_response_alg: env.JARM }),
  ...(env.SIGNED_INTROSPECTION && { introspection_signed_response_alg: env.SIGNED_INTROSPECTION }),
}

// DPoP binds the code and the tokens to a key of this process.
const DPoP = env.DPOP ? oauth.DPoP(app, await oauth.generateKeyPair('ES256')) : undefined
const options = { ...http, DPoP }

// call sends a request, and once more if the server wants its nonce in the proof.
async function call(request, process) {
  try {
    return await process(await request())
  } catch (error) {
    if (!DPoP || !oauth.isDPoPNonceError(error)) throw error
    return process(await request())
  }
}

// Sign in. A web application stores these three values in the user's session.
const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
let request = new URLSearchParams({
  client_id: app.client_id,
  response_type: 'code',
  redirect_uri: env.REDIRECT_URI,
  scope: 'openid profile email offline_access',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  ...(env.JARM && { response_mode: 'jwt' }),
  ...(DPoP && { dpop_jkt: await DPoP.calculateThumbprint() }),
})
if (env.JAR) {
  request = new URLSearchParams({ client_id: app.client_id, request: await oauth.issueRequestObject(server, app, request, clientKey) })
}
if (env.PAR) {
  const pushed = await call(
    () => oauth.pushedAuthorizationRequest(server, app, auth, request, options),
    (response) => oauth.processPushedAuthorizationResponse(server, app, response),
  )
  request = new URLSearchParams({ client_id: app.client_id, request_uri: pushed.request_uri })
}
const authorize = new URL(server.authorization_endpoint)
authorize.search = request.toString()
const callback = await send(authorize)
const answer = await (env.JARM ? oauth.validateJwtAuthResponse : oauth.validateAuthResponse)(server, app, callback, state, http)

const tokens = await call(
  () => oauth.authorizationCodeGrantRequest(server, app, auth, answer, env.REDIRECT_URI, verifier, options),
  (response) => oauth.processAuthorizationCodeResponse(server, app, response, { expectedNonce: nonce, requireIdToken: true }),
)
const user = oauth.getValidatedIdTokenClaims(tokens)
print({ id_token: user, id_token_alg: decodeProtectedHeader(tokens.id_token).alg })

// Claims of the user.
print({
  userinfo: await call(
    () => oauth.userInfoRequest(server, app, tokens.access_token, options),
    (response) => oauth.processUserInfoResponse(server, app, user.sub, response),
  ),
})

// A resource server verifies the access token (RFC 9068), with its binding (RFC 9449). The request is
// one of this library's, caught before it is sent.
let caught
const resource = new URL('http://resource.example/items')
await oauth.protectedResourceRequest(tokens.access_token, 'GET', resource, undefined, undefined, {
  ...options,
  [oauth.customFetch]: async (url, init) => {
    caught = new Request(url, { method: init.method, headers: init.headers })
    return new Response()
  },
})
// The library does not know the binding to a certificate (RFC 8705).
const verified = env.TLS_CERT
  ? (await jwtVerify(tokens.access_token, createRemoteJWKSet(new URL(server.jwks_uri)), { audience: server.issuer, typ: 'at+jwt' })).payload
  : await oauth.validateJwtAccessToken(server, caught, server.issuer, { ...http, requireDPoP: Boolean(DPoP) })
print({ access_token: verified })

// Refresh.
const refresh = (token) =>
  call(
    () => oauth.refreshTokenGrantRequest(server, app, auth, token, options),
    (response) => oauth.processRefreshTokenResponse(server, app, response),
  )
const fresh = await refresh(tokens.refresh_token)
print({ refreshed_id_token: oauth.getValidatedIdTokenClaims(fresh) })

// Introspection (RFC 7662), signed if the client registered it (RFC 9701).
async function introspect() {
  const signed = Boolean(env.SIGNED_INTROSPECTION)
  const response = await oauth.introspectionRequest(server, app, auth, fresh.access_token, { ...http, requestJwtResponse: signed })
  const result = await oauth.processIntrospectionResponse(server, app, response)
  if (signed) await oauth.validateApplicationLevelSignature(server, response, http)
  return result
}
print({ introspection: await introspect() })

// Revoke the grant by its refresh token; the access token is revoked with it.
await oauth.processRevocationResponse(await oauth.revocationRequest(server, app, auth, fresh.refresh_token, http))
print({ introspection_after_revocation: await introspect() })
const refusal = await refresh(fresh.refresh_token).catch((error) => error)
print({ refresh_after_revocation: refusal.error })

// Sign out at the server.
const logoutState = oauth.generateRandomState()
const leave = new URL(server.end_session_endpoint)
leave.search = new URLSearchParams({
  id_token_hint: fresh.id_token, post_logout_redirect_uri: env.POST_LOGOUT_REDIRECT_URI, state: logoutState,
}).toString()
const after = await send(leave)
print({ signed_out: after.searchParams.get('state') === logoutState })
exit()
