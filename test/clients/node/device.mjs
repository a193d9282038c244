// A device without a browser, built on oauth4webapi: its user answers on another device (RFC 8628), and
// its tokens are bound to a key (RFC 9449).
//
// It prints JSON objects, one per line. The member go_to is the URL that the user opens; the device then
// waits for a line on its standard input, where a real one would poll.
import { createInterface } from 'node:readline'
import { env, exit } from 'node:process'
import * as oauth from 'oauth4webapi'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const print = (result) => console.log(JSON.stringify(result))

const http = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(env.ISSUER)
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
const device = { client_id: env.CLIENT_ID }
const auth = oauth.None()
const DPoP = oauth.DPoP(device, await oauth.generateKeyPair('ES256'))

const authorized = await oauth.processDeviceAuthorizationResponse(
  server,
  device,
  await oauth.deviceAuthorizationRequest(server, device, auth, { scope: 'openid offline_access' }, http),
)

// poll asks for the tokens, and once more if the server wants its nonce in the proof.
async function poll(key) {
  const options = { ...http, DPoP: key }
  const ask = async () =>
    oauth.processDeviceCodeResponse(
      server, device, await oauth.deviceCodeGrantRequest(server, device, auth, authorized.device_code, options))
  return ask().catch((error) => {
    if (!oauth.isDPoPNonceError(error)) throw error
    return ask()
  })
}

const early = await poll(DPoP).catch((error) => error)
print({ before_the_answer: early.error })
print({ go_to: authorized.verification_uri_complete })
await lines.next()
await new Promise((resolve) => setTimeout(resolve, authorized.interval * 1000))

const tokens = await poll(DPoP)
print({ token_type: tokens.token_type, id_token: oauth.getValidatedIdTokenClaims(tokens) })

const userinfo = (options) => oauth.userInfoRequest(server, device, tokens.access_token, { ...http, ...options })
const user = await oauth.processUserInfoResponse(server, device, oauth.skipSubjectCheck, await userinfo({ DPoP }))
print({ userinfo: user })
print({ without_a_proof: (await userinfo({})).status })

// The refresh token of a public client is bound to the key, too.
const refresh = async (key) => {
  const ask = async () =>
    oauth.processRefreshTokenResponse(
      server, device, await oauth.refreshTokenGrantRequest(server, device, auth, tokens.refresh_token, { ...http, DPoP: key }))
  return ask().catch((error) => {
    if (!oauth.isDPoPNonceError(error)) throw error
    return ask()
  })
}
const stranger = oauth.DPoP(device, await oauth.generateKeyPair('ES256'))
print({ refresh_by_another_key: (await refresh(stranger).catch((error) => error)).error })
print({ refreshed: (await refresh(DPoP)).token_type })
exit()
