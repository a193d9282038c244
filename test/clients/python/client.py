"""An application built on Authlib: it signs a user in with authorization code and
PKCE, uses the tokens, and signs the user out.

It prints JSON objects, one per line. The member go_to is the URL of a redirect; the
application then reads the URL of the callback from its standard input.
"""

import json
import ssl
import time
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


def show(**result):
    print(json.dumps(result), flush=True)


def send(url):
    show(go_to=url)
    return input()


# With a certificate (RFC 8705) the TLS connection authenticates the client: a request has only the client_id.
tls = {}
if "TLS_CERT" in env:
    context = ssl.create_default_context(cafile=env["TLS_CA"])
    context.load_cert_chain(env["TLS_CERT"], env["TLS_KEY"])
    tls = {"verify": context}
method = "none" if tls else env["CLIENT_AUTH"]

client = OAuth2Client(
    client_id=env["CLIENT_ID"],
    client_secret=env.get("CLIENT_SECRET"),
    token_endpoint_auth_method=method,
    revocation_endpoint_auth_method=method,
    scope="openid profile email offline_access",
    redirect_uri=env["REDIRECT_URI"],
    code_challenge_method="S256",
    **tls,
)

# Discovery, and the keys.
found = httpx2.get(get_well_known_url(env["ISSUER"], external=True)).raise_for_status()
server = OpenIDProviderMetadata(found.json())
assert server["issuer"] == env["ISSUER"]
server.validate()
if tls:
    server |= server["mtls_endpoint_aliases"]
keys = KeySet.import_key_set(httpx2.get(server["jwks_uri"]).raise_for_status().json())


# Client authentication with a private key.
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
    """Verify the ID token of a token response. After a refresh it has no nonce."""
    known = {"client_id": client.client_id, "access_token": tokens["access_token"], "nonce": nonce}
    return verify(tokens["id_token"], CodeIDToken, client.client_id, **known)


def sign(request):
    """Return a request in the form of a JWT (RFC 9101), for a signed response."""
    key, now = client.client_secret, int(time.time())
    claims = request | {"client_id": client.client_id, "response_mode": "jwt", "iss": client.client_id, "aud": server["issuer"]}
    dates = {"iat": now, "nbf": now, "exp": now + 60}
    signed = jwt.encode({"alg": key.alg, "kid": key.kid, "typ": "oauth-authz-req+jwt"}, claims | dates, key)
    return {"request": signed}


def push(url):
    """Push the request of an authorization URL (RFC 9126), and return the short URL."""
    request = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    del request["client_id"]  # the authentication adds it
    pushed = client.request(
        "POST",
        server["pushed_authorization_request_endpoint"],
        data=sign(request) if "JAR" in env else request,
        auth=client.client_auth(client.token_endpoint_auth_method),
        withhold_token=True,
    ).raise_for_status()
    reference = {"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]}
    return add_params_to_uri(server["authorization_endpoint"], reference)


def open_response(callback):
    """Verify the JWT of an authorization response (JARM), and return the URL with its parameters."""
    [response] = parse_qs(urlsplit(callback).query)["response"]
    claims = jwt.decode(response, keys, algorithms=server["authorization_signing_alg_values_supported"]).claims
    jwt.JWTClaimsRegistry(
        leeway=30,
        iss={"essential": True, "value": server["issuer"]},
        aud={"essential": True, "value": client.client_id},
        exp={"essential": True},
    ).validate(claims)
    return add_params_to_uri(env["REDIRECT_URI"], {name: claims[name] for name in ("code", "state")})


# Sign in. A web application stores these three values in the user's session.
verifier, state, nonce = generate_token(48), generate_token(), generate_token()
url, _ = client.create_authorization_url(
    server["authorization_endpoint"], code_verifier=verifier, state=state, nonce=nonce
)
if "PAR" in env:
    url = push(url)
callback = send(url)
if "JARM" in env:
    callback = open_response(callback)
tokens = client.fetch_token(
    server["token_endpoint"], authorization_response=callback, code_verifier=verifier, state=state
)
user = verify_id_token(tokens, nonce)
show(id_token=user, id_token_alg=user.header["alg"])

# Claims of the user.
userinfo = client.get(server["userinfo_endpoint"]).raise_for_status().json()
assert userinfo["sub"] == user["sub"]
show(userinfo=userinfo)

# A resource server verifies the access token (RFC 9068).
show(access_token=verify(tokens["access_token"], JWTAccessTokenClaims, server["issuer"]))

# Refresh.
fresh = client.refresh_token(server["token_endpoint"])
show(refreshed_id_token=verify_id_token(fresh))


def introspect():
    """Introspect the access token (RFC 7662), for confidential clients only."""
    if env["CLIENT_AUTH"] == "none":
        return None
    response = client.introspect_token(server["introspection_endpoint"], token=fresh["access_token"])
    return response.raise_for_status().json()


show(introspection=introspect())

# Revoke the grant by its refresh token; the access token is revoked with it.
client.revoke_token(server["revocation_endpoint"], token=fresh["refresh_token"]).raise_for_status()
show(introspection_after_revocation=introspect())
try:
    client.refresh_token(server["token_endpoint"], refresh_token=fresh["refresh_token"])
except OAuthError as refusal:
    show(refresh_after_revocation=refusal.error)

# Sign out at the server.
logout_state = generate_token()
after = send(
    add_params_to_uri(
        server["end_session_endpoint"],
        {
            "id_token_hint": fresh["id_token"],
            "post_logout_redirect_uri": env["POST_LOGOUT_REDIRECT_URI"],
            "state": logout_state,
        },
    )
)
show(signed_out=parse_qs(urlsplit(after).query).get("state") == [logout_state])
