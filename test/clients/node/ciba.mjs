// An application that asks its user to approve on another device, built on openid-client (CIBA). It prints
// JSON objects, one per line. After the member go_to it waits for a line on its standard input: with
// DELIVERY=ping that is the auth_req_id of the notification, without it the library polls.
import { createInterface } from 'node:readline'
import { env, exit } from 'node:process'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const print = (result) => console.log(JSON.stringify(result))

const config = await client.discovery(new URL(env.ISSUER), env.CLIENT_ID, undefined, client.ClientSecretBasic(env.CLIENT_SECRET), {
  execute: [client.allowInsecureRequests],
})
const parameters = { scope: 'openid email', login_hint: 'ada', binding_message: '4711', requested_expiry: '20' }
if (env.DELIVERY === 'ping') parameters.client_notification_token = env.NOTIFICATION_TOKEN
const request = await client.initiateBackchannelAuthentication(config, parameters)
print({ expires_in: request.expires_in, interval: request.interval })

let tokens
if (env.DELIVERY === 'ping') {
  print({ go_to: env.ISSUER + '/account/approvals' })
  const notified = (await lines.next()).value
  print({ notified: notified === request.auth_req_id })
  tokens = await client.genericGrantRequest(config, 'urn:openid:params:grant-type:ciba', { auth_req_id: notified })
} else {
  const polled = client.pollBackchannelAuthenticationGrant(config, request)
  print({ go_to: env.ISSUER + '/account/approvals' })
  tokens = await polled
}
print({ token_type: tokens.token_type, id_token: tokens.claims() })
print({ userinfo: await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub) })
const again = await client.genericGrantRequest(config, 'urn:openid:params:grant-type:ciba', { auth_req_id: request.auth_req_id }).catch((error) => error)
print({ again: again.error })
exit()
