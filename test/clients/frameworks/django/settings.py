"""The settings of a Django project that signs its users in with mozilla-django-oidc."""

import os

ISSUER = os.environ["ISSUER"]

SECRET_KEY = os.environ["SESSION_SECRET"]
DEBUG = True
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "mozilla_django_oidc",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Every 15 minutes it asks Ostiary, without a page, whether the user is still signed in.
    "mozilla_django_oidc.middleware.SessionRefresh",
]
AUTHENTICATION_BACKENDS = ["backend.Backend"]

OIDC_RP_CLIENT_ID = os.environ["CLIENT_ID"]
OIDC_RP_CLIENT_SECRET = os.environ["CLIENT_SECRET"]
OIDC_RP_SCOPES = "openid profile email groups"
OIDC_RP_SIGN_ALGO = "RS256"  # the default is HS256
OIDC_USE_PKCE = True
OIDC_OP_AUTHORIZATION_ENDPOINT = ISSUER + "/oauth2/auth"
OIDC_OP_TOKEN_ENDPOINT = ISSUER + "/oauth2/token"
OIDC_OP_USER_ENDPOINT = ISSUER + "/userinfo"
OIDC_OP_JWKS_ENDPOINT = ISSUER + "/.well-known/jwks.json"
OIDC_STORE_ID_TOKEN = True  # the hint for signing out at Ostiary
OIDC_OP_LOGOUT_URL_METHOD = "backend.end_session_url"
LOGIN_REDIRECT_URL = "/me"
LOGOUT_REDIRECT_URL = "/"
