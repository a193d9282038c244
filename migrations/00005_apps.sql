-- +goose Up
-- What passes between an authorization request and the operator's own login and
-- consent apps.
ALTER TABLE requests ADD COLUMN login_session  TEXT    NOT NULL DEFAULT ''; -- what a sign-in leads to; empty: no login app is asked
ALTER TABLE requests ADD COLUMN login_skip     INTEGER NOT NULL DEFAULT 0;  -- the person may go on in that session
ALTER TABLE requests ADD COLUMN login_subject  TEXT    NOT NULL DEFAULT ''; -- who that is, and then whom the app names
ALTER TABLE requests ADD COLUMN login          TEXT    NOT NULL DEFAULT ''; -- JSON, what the login app said
ALTER TABLE requests ADD COLUMN login_spent_at BIGINT;                      -- the person came back with it
ALTER TABLE requests ADD COLUMN consent        TEXT    NOT NULL DEFAULT ''; -- JSON, what the consent app said
ALTER TABLE requests ADD COLUMN verifier       BYTEA;                       -- a hash, of what the last answer is known by

ALTER TABLE consents ADD COLUMN detail TEXT NOT NULL DEFAULT ''; -- JSON, what the consent app adds to tokens

-- How the login app's own identity provider calls the session.
ALTER TABLE sessions ADD COLUMN provider_session TEXT NOT NULL DEFAULT '';
