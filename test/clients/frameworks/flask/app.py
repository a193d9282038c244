"""A Flask application that signs its users in with Authlib."""

import os
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, redirect, session, url_for

app = Flask(__name__)
app.secret_key = os.environ["SESSION_SECRET"]

oauth = OAuth(app)
oauth.register(
    "ostiary",
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile email groups offline_access", "code_challenge_method": "S256"},
)


@app.get("/")
def home():
    return "signed in" if "user" in session else "signed out"


@app.get("/login")
def login():
    return oauth.ostiary.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    token = oauth.ostiary.authorize_access_token()
    session["user"] = token["userinfo"]  # the claims of the ID token
    # A production application must keep these two on the server.
    session["refresh_token"], session["id_token"] = token["refresh_token"], token["id_token"]
    return redirect("/me")


@app.get("/me")
def me():
    return jsonify(session["user"]) if "user" in session else redirect("/login")


@app.get("/refresh")
def refresh():
    token = oauth.ostiary.fetch_access_token(grant_type="refresh_token", refresh_token=session["refresh_token"])
    session["refresh_token"], session["id_token"] = token["refresh_token"], token["id_token"]
    return jsonify(refreshed=True, sub=session["user"]["sub"])


@app.get("/sign-out")
def sign_out():
    hint = session["id_token"]
    session.clear()
    end_session = oauth.ostiary.load_server_metadata()["end_session_endpoint"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": url_for("home", _external=True)}
    return redirect(end_session + "?" + urlencode(query))


if __name__ == "__main__":
    app.run("localhost", int(os.environ["PORT"]))
