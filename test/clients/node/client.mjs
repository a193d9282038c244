// An application built on openid-client: it signs a user in with authorization code
// and PKCE, uses the tokens, and signs the user out.
//
// It prints JSON objects, one per line. The member go_to is the URL of a redirect; the
// application then reads the URL of the callback from its standard input.
import { createInterface } from 'node:readline'
import { env, exit } from 'node:process'
import { createRemoteJWKSet, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { fetchWithCertificate } from './mutual-tls.mjs'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const print = (result) => console.log(JSON.stringify(result))
const send = async (url) => {
  print({ go_to: url.href })
  return new URL((await lines.next()).value)
}

// The key of the client, for its assertions and request objects.
const signingKey = async () => {
  const jwk = JSON.parse(env.CLIENT_KEY)
  return { key: await importJWK(jwk), kid: jwk.kid }
}

// Client authentication, as registered.
const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(env.CLIENT_SECRET),
  client_secret_post: () => client.ClientSecretPost(env.CLIENT_SECRET),
  private_key_jwt: async () => client.PrivateKeyJwt(await signingKey()),
  // The certificate of the TLS connection is the credential; see mutual-tls.mjs.
  self_signed_tls_client_auth: () => client.TlsClientAuth(),
  none: () => client.None(),
}

// Discovery. The first option allows http; the second one verifies the signatures of
// ID tokens from the token endpoint.
const config = await client.discovery(
  new URL(env.ISSUER),
  env.CLIENT_ID,
  {
    ...(env.JARM && { authorization_signed_response_alg: env.JARM }),
    ...(env.TLS_CERT && { use_mtls_endpoint_aliases: true }),
  },
  await authentication[env.CLIENT_AUTH](),
  { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks], [client.customFetch]: fetchWithCertificate },
)
// With JARM the authorization response is one signed JWT.
if (env.JARM) client.useJwtResponseMode(config)
const server = config.serverMetadata()

// DPoP binds the code and the tokens to a key of this process (RFC 9449). A web application has one
// key pair; a page in the browser creates one that cannot be exported.
const DPoP = env.DPOP ? client.getDPoPHandle(config, await client.randomDPoPKeyPair()) : undefined

// Sign in. A web application stores these three values in the user's session.
const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
const request = {
  redirect_uri: env.REDIRECT_URI,
  scope: 'openid profile email offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  ...(DPoP && { dpop_jkt: await DPoP.calculateThumbprint() }),
}
// With PAR (RFC 9126) the browser carries only a reference to the request.
// With JAR (RFC 9101) the request is a JWT that the client signs.
const parameters = env.JAR
  ? (await client.buildAuthorizationUrlWithJAR(config, request, await signingKey())).searchParams
  : request
const callback = await send(
  env.PAR
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    : client.buildAuthorizationUrl(config, parameters),
)
const tokens = await client.authorizationCodeGrant(
  config,
  callback,
  { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  undefined,
  { DPoP },
)
const user = tokens.claims()
print({ id_token: user, id_token_alg: decodeProtectedHeader(tokens.id_token).alg })

// Claims of the user.
print({ userinfo: await client.fetchUserInfo(config, tokens.access_token, user.sub, { DPoP }) })

// A resource server verifies the access token (RFC 9068).
const { payload } = await jwtVerify(tokens.access_token, createRemoteJWKSet(new URL(server.jwks_uri)), {
  issuer: server.issuer,
  audience: server.issuer,
  typ: 'at+jwt',
  requiredClaims: ['exp', 'iat', 'sub', 'jti', 'client_id'],
})
print({ access_token: payload })

// Refresh.
const fresh = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
print({ refreshed_id_token: fresh.claims() })

// Introspection (RFC 7662), for confidential clients only.
const introspect = async () =>
  env.CLIENT_AUTH === 'none' ? undefined : await client.tokenIntrospection(config, fresh.access_token)
print({ introspection: await introspect() })

// Revoke the grant by its refresh token; the access token is revoked with it.
await client.tokenRevocation(config, fresh.refresh_token)
print({ introspection_after_revocation: await introspect() })
const refusal = await client.refreshTokenGrant(config, fresh.refresh_token, undefined, { DPoP }).catch((error) => error)
print({ refresh_after_revocation: refusal.error })

// Sign out at the server.
const logoutState = client.randomState()
const after = await send(
  client.buildEndSessionUrl(config, {
    id_token_hint: fresh.id_token,
    post_logout_redirect_uri: env.POST_LOGOUT_REDIRECT_URI,
    state: logoutState,
  }),
)
print({ signed_out: after.searchParams.get('state') === logoutState })
exit()
