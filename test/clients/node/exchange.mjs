// A service built on openid-client that exchanges an access token for one that it sends to the next
// service (RFC 8693), and another that exchanges its token again.
//
// It prints JSON objects, one per line, as client.mjs does.
import { env, exit } from 'node:process'
import * as client from 'openid-client'

const options = { execute: [client.allowInsecureRequests] }
const types = 'urn:ietf:params:oauth:token-type:'
const connect = (id) => client.discovery(new URL(env.ISSUER), id, env.CLIENT_SECRET, undefined, options)
const exchange = async (config, token, parameters) => {
  try {
    return await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: token, subject_token_type: types + 'access_token', ...parameters,
    })
  } catch (error) {
    return { error: error.error, status: error.status }
  }
}

const caller = await connect('caller')
const subject = (await client.clientCredentialsGrant(caller, { resource: 'https://gateway.example' })).access_token
const gateway = await connect('gateway')
const first = await exchange(gateway, subject, { resource: 'https://orders.example' })
const claims = await client.tokenIntrospection(gateway, first.access_token)
console.log(JSON.stringify({ first: { type: first.token_type, issued: first.issued_token_type, scope: first.scope, sub: claims.sub, aud: claims.aud, actor: claims.act?.sub, active: claims.active } }))

const orders = await connect('orders')
const second = await exchange(orders, first.access_token, { resource: 'https://stock.example' })
const chain = await client.tokenIntrospection(orders, second.access_token)
console.log(JSON.stringify({ second: { sub: chain.sub, actor: chain.act?.sub, before: chain.act?.act?.sub, scope: second.scope } }))

console.log(JSON.stringify({ elsewhere: await exchange(gateway, subject, { resource: 'https://stock.example' }) }))
console.log(JSON.stringify({ not_for_it: await exchange(orders, subject, { resource: 'https://stock.example' }) }))
await client.tokenRevocation(caller, subject)
console.log(JSON.stringify({ after_revocation: (await client.tokenIntrospection(orders, second.access_token)).active }))
exit()
