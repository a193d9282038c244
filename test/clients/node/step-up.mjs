// An application built on oauth4webapi that knows only the URL of an API. It finds the authorization
// server by the metadata of the API (RFC 9728), and authenticates the user again when the API requires it
// (RFC 9470). Its tokens are bound to a key (RFC 9449).
//
// It prints JSON objects, one per line, as client.mjs does.
import { createInterface } from 'node:readline'
import { env, exit } from 'node:process'
import * as oauth from 'oauth4webapi'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const print = (result) => console.log(JSON.stringify(result))
const send = async (url) => {
  print({ go_to: url.href })
  return new URL((await lines.next()).value)
}

const http = { [oauth.allowInsecureRequests]: true }
const api = new URL(env.RESOURCE)
const metadata = await oauth.processResourceDiscoveryResponse(api, await oauth.resourceDiscoveryRequest(api, http))
print({ resource: metadata.resource, authorization_servers: metadata.authorization_servers })

const issuer = new URL(metadata.authorization_servers[0])
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oauth2' }))
print({ protected_resources: server.protected_resources })
const app = { client_id: env.CLIENT_ID }
const DPoP = oauth.DPoP(app, await oauth.generateKeyPair('ES256'))
const options = { ...http, DPoP }

// signIn returns an access token, for an authentication with the parameters.
async function signIn(parameters) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const authorize = new URL(server.authorization_endpoint)
  authorize.search = new URLSearchParams({
    client_id: app.client_id, response_type: 'code', redirect_uri: env.REDIRECT_URI, scope: 'openid', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...parameters,
  }).toString()
  const answer = oauth.validateAuthResponse(server, app, await send(authorize), state)
  const response = await oauth.authorizationCodeGrantRequest(server, app, oauth.None(), answer, env.REDIRECT_URI, verifier, options)
  return (await oauth.processAuthorizationCodeResponse(server, app, response, { expectedNonce: nonce })).access_token
}

// challengeOf returns what a request with a token to the API leads to: the parameters of its challenge, or
// the status.
async function challengeOf(token, parameters, how = options) {
  const url = new URL(api)
  url.search = new URLSearchParams(parameters).toString()
  try {
    return { status: (await oauth.protectedResourceRequest(token, 'GET', url, undefined, undefined, how)).status }
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
    const [challenge] = error.cause
    return { status: error.status, scheme: challenge.scheme, ...challenge.parameters }
  }
}

const first = await signIn({})
print({ first: await challengeOf(first, {}) })
print({ without_a_proof: await challengeOf(first, {}, http) })
print({ too_weak: await challengeOf(first, { acr_values: '2' }) })
await new Promise((resolve) => setTimeout(resolve, 2100))
const challenge = await challengeOf(first, { max_age: '1' })
print({ too_old: challenge })
const second = await signIn({ max_age: challenge.max_age })
print({ again: await challengeOf(second, { max_age: '60' }) })
exit()
