-- +goose Up
-- Authenticator apps of accounts (RFC 6238).
CREATE TABLE authenticators (
  subject      TEXT   NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  id           TEXT   NOT NULL, -- unique within the account
  secret       BYTEA  NOT NULL, -- sealed under a system secret
  label        TEXT   NOT NULL,
  last_step    BIGINT NOT NULL, -- the last accepted time step; only a later one is accepted
  created_at   BIGINT NOT NULL,
  last_used_at BIGINT,
  PRIMARY KEY (subject, id)
);

-- Secrets that were shown to a user and wait for the first code.
CREATE TABLE pending_authenticators (
  binding    BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of purpose and session
  subject    TEXT   NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  secret     BYTEA  NOT NULL,             -- sealed under a system secret
  expires_at BIGINT NOT NULL
);
CREATE INDEX pending_authenticators_subject ON pending_authenticators (subject);
CREATE INDEX pending_authenticators_expires_at ON pending_authenticators (expires_at);

-- The current set of recovery codes of an account.
CREATE TABLE recovery_code_sets (
  subject    TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (subject) ON DELETE CASCADE,
  hash_key   BYTEA  NOT NULL, -- of the hashes of the codes; sealed under a system secret
  created_at BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
  subject TEXT  NOT NULL REFERENCES recovery_code_sets (subject) ON DELETE CASCADE,
  hash    BYTEA NOT NULL, -- HMAC-SHA256 of the code
  used_at BIGINT,
  PRIMARY KEY (subject, hash)
);

-- Browsers in which the operator's policy does not ask a user for a second factor.
CREATE TABLE trusted_devices (
  digest     BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of subject and cookie
  subject    TEXT   NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  not_before BIGINT NOT NULL,             -- of the account at that sign-in; with another value the row is invalid
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX trusted_devices_subject ON trusted_devices (subject);
CREATE INDEX trusted_devices_expires_at ON trusted_devices (expires_at);
