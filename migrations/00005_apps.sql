-- +goose Up
-- The state of an authorization request for custom login and consent apps.
ALTER TABLE requests ADD COLUMN login_session  TEXT    NOT NULL DEFAULT ''; -- the session after the login app; empty: no login app
ALTER TABLE requests ADD COLUMN login_skip     INTEGER NOT NULL DEFAULT 0;  -- the user may continue in that session
ALTER TABLE requests ADD COLUMN login_subject  TEXT    NOT NULL DEFAULT ''; -- of that session, later the one that the app named
ALTER TABLE requests ADD COLUMN login          TEXT    NOT NULL DEFAULT ''; -- JSON, the answer of the login app
ALTER TABLE requests ADD COLUMN login_spent_at BIGINT;                      -- the verifier was redeemed
ALTER TABLE requests ADD COLUMN consent        TEXT    NOT NULL DEFAULT ''; -- JSON, the answer of the consent app
ALTER TABLE requests ADD COLUMN verifier       BYTEA;                       -- a hash, of the last answer

ALTER TABLE consents ADD COLUMN detail TEXT NOT NULL DEFAULT ''; -- JSON, claims that the consent app added

-- The session ID of the identity provider behind the login app.
ALTER TABLE sessions ADD COLUMN provider_session TEXT NOT NULL DEFAULT '';
