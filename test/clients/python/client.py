"""An application built on Authlib: it signs a person in with authorization code
and PKCE, and does with the tokens what applications do.

Every line it prints is a JSON object. One with the member go_to is where a web
application would redirect the person; the application then reads from its
standard input the address at which they came back.
"""

import json
from os import environ as env
from urllib.parse import parse_qs, urlsplit

import httpx2
from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.jwk import KeySet, import_key


def say(**what):
    print(json.dumps(what), flush=True)


def send(url):
    say(go_to=url)
    return input()


client = OAuth2Client(
    client_id=env["CLIENT_ID"],
    client_secret=env.get("CLIENT_SECRET"),
    token_endpoint_auth_method=env["CLIENT_AUTH"],
    revocation_endpoint_auth_method=env["CLIENT_AUTH"],
    scope="openid profile email offline_access",
    redirect_uri=env["REDIRECT_URI"],
    code_challenge_method="S256",
)

# Discovery, and the keys.
found = httpx2.get(get_well_known_url(env["ISSUER"], external=True)).raise_for_status()
server = OpenIDProviderMetadata(found.json())
assert server["issuer"] == env["ISSUER"]
server.validate()
keys = KeySet.import_key_set(httpx2.get(server["jwks_uri"]).raise_for_status().json())


# How an application with a key of its own proves who it is.
if "CLIENT_KEY" in env:
    client.client_secret = import_key(json.loads(env["CLIENT_KEY"]))
    client.register_client_auth_method(PrivateKeyJWT(server["issuer"], alg=client.client_secret.alg))


def verify(token, kind, audience, **known):
    """Verify a JWT of the server and return its claims."""
    decoded = jwt.decode(token, keys, algorithms=server["id_token_signing_alg_values_supported"])
    expected = {"iss": {"essential": True, "value": server["issuer"]}, "aud": {"essential": True, "value": audience}}
    claims = kind(decoded.claims, decoded.header, expected, known)
    claims.validate(leeway=30)
    return claims


def verify_id_token(tokens, nonce=None):
    """Verify the ID token beside an access token. The one of a refresh has no nonce."""
    known = {"client_id": client.client_id, "access_token": tokens["access_token"], "nonce": nonce}
    return verify(tokens["id_token"], CodeIDToken, client.client_id, **known)


# Sign in. A web application keeps these three in the person's session.
verifier, state, nonce = generate_token(48), generate_token(), generate_token()
url, _ = client.create_authorization_url(
    server["authorization_endpoint"], code_verifier=verifier, state=state, nonce=nonce
)
tokens = client.fetch_token(
    server["token_endpoint"], authorization_response=send(url), code_verifier=verifier, state=state
)
person = verify_id_token(tokens, nonce)
say(id_token=person, id_token_alg=person.header["alg"])

# Who is it?
userinfo = client.get(server["userinfo_endpoint"]).raise_for_status().json()
assert userinfo["sub"] == person["sub"]
say(userinfo=userinfo)

# What a service does with the access token that it is sent (RFC 9068).
say(access_token=verify(tokens["access_token"], JWTAccessTokenClaims, server["issuer"]))

# A while later.
fresh = client.refresh_token(server["token_endpoint"])
say(refreshed_id_token=verify_id_token(fresh))


def introspect():
    """Ask whether the access token is still good, as only an application that can authenticate may."""
    if client.token_endpoint_auth_method == "none":
        return None
    answer = client.introspect_token(server["introspection_endpoint"], token=fresh["access_token"])
    return answer.raise_for_status().json()


say(introspection=introspect())

# Give up what the person allowed; the access token ends with it.
client.revoke_token(server["revocation_endpoint"], token=fresh["refresh_token"]).raise_for_status()
say(introspection_after_revocation=introspect())
try:
    client.refresh_token(server["token_endpoint"], refresh_token=fresh["refresh_token"])
except OAuthError as refusal:
    say(refresh_after_revocation=refusal.error)

# Sign out, here and at the server.
farewell = generate_token()
after = send(
    add_params_to_uri(
        server["end_session_endpoint"],
        {
            "id_token_hint": fresh["id_token"],
            "post_logout_redirect_uri": env["POST_LOGOUT_REDIRECT_URI"],
            "state": farewell,
        },
    )
)
say(signed_out=parse_qs(urlsplit(after).query).get("state") == [farewell])
