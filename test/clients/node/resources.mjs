// An application built on oauth4webapi that calls two services with tokens of their own (RFC 8707), and
// a service that asks for signed introspection responses (RFC 9701).
//
// It prints JSON objects, one per line. The member go_to is the URL that the user opens; the line that
// follows is the URL of the response.
import { createInterface } from 'node:readline'
import { env, exit } from 'node:process'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const print = (result) => console.log(JSON.stringify(result))

const http = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(env.ISSUER)
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
const app = { client_id: env.CLIENT_ID }
const auth = oauth.ClientSecretPost(env.CLIENT_SECRET)

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const request = new URLSearchParams({
  client_id: app.client_id, response_type: 'code', redirect_uri: env.REDIRECT_URI, scope: 'openid offline_access read write', state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
})
request.append('resource', 'https://mail.example')
request.append('resource', 'https://wiki.example/')
const pushed = await oauth.processPushedAuthorizationResponse(
  server, app, await oauth.pushedAuthorizationRequest(server, app, auth, request, http))
const authorize = new URL(server.authorization_endpoint)
authorize.search = new URLSearchParams({ client_id: app.client_id, request_uri: pushed.request_uri }).toString()
print({ go_to: authorize.href })
const answer = oauth.validateAuthResponse(server, app, new URL((await lines.next()).value), state)

// The code gives a token for the first service.
const resource = (uri) => ({ ...http, additionalParameters: { resource: uri } })
const tokens = await oauth.processAuthorizationCodeResponse(
  server, app,
  await oauth.authorizationCodeGrantRequest(server, app, auth, answer, env.REDIRECT_URI, verifier, resource('https://mail.example')),
  { requireIdToken: true })

// A service verifies its tokens (RFC 9068).
const keys = createRemoteJWKSet(new URL(server.jwks_uri))
const verify = async (token, audience) =>
  (await jwtVerify(token, keys, { issuer: server.issuer, audience, typ: 'at+jwt' })).payload
print({ mail: await verify(tokens.access_token, 'https://mail.example'), mail_scope: tokens.scope })
print({ mail_at_wiki: await verify(tokens.access_token, 'https://wiki.example').catch((error) => error.code) })

// A refresh gives one for the second, and none for a third.
const refresh = async (uri) =>
  oauth.processRefreshTokenResponse(
    server, app, await oauth.refreshTokenGrantRequest(server, app, auth, tokens.refresh_token, resource(uri)))
print({ another: await refresh('https://pay.example').catch((error) => error.error) })
const wiki = await refresh('https://wiki.example')
print({ wiki_scope: wiki.scope, wiki_lifetime: wiki.expires_in })

// The second service asks about tokens: it sees its own, and signed responses.
const service = { client_id: 'wiki', introspection_signed_response_alg: 'ES256' }
const introspect = async (token) => {
  const response = await oauth.introspectionRequest(
    server, service, oauth.ClientSecretPost(env.CLIENT_SECRET), token, { ...http, requestJwtResponse: true })
  const result = await oauth.processIntrospectionResponse(server, service, response)
  await oauth.validateApplicationLevelSignature(server, response, http)
  return result
}
print({ wiki: await introspect(wiki.access_token), wiki_sees_mail: await introspect(tokens.access_token) })
exit()
