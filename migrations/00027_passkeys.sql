-- +goose Up
-- The passkeys of accounts (public key credentials of WebAuthn).
CREATE TABLE passkeys (
  id              BYTEA  PRIMARY KEY, -- credential ID, at most 1023 bytes
  subject         TEXT   NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  handle          BYTEA  NOT NULL,    -- user handle of the account
  rp_id           TEXT   NOT NULL,
  document        TEXT   NOT NULL,    -- JSON: public key and what else never changes
  label           TEXT   NOT NULL,
  counter         BIGINT NOT NULL,    -- the greatest signature counter seen
  backed_up       BIGINT NOT NULL,
  created_at      BIGINT NOT NULL,
  last_used_at    BIGINT,
  counter_back_at BIGINT,             -- when the counter last failed to increase
  last_session    TEXT   NOT NULL     -- session that began with it, for the transaction that begins it
);
CREATE INDEX passkeys_subject ON passkeys (subject);
CREATE INDEX passkeys_handle ON passkeys (handle);

-- When the page that offers a passkey was last shown to the user of an account.
CREATE TABLE passkey_offers (
  subject    TEXT   PRIMARY KEY REFERENCES accounts (subject) ON DELETE CASCADE,
  offered_at BIGINT NOT NULL
);

-- When the challenge was issued that was last used for the authorization request, or in the
-- session. Challenges that were issued before are void.
ALTER TABLE requests ADD COLUMN challenge_spent_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN challenge_spent_at BIGINT NOT NULL DEFAULT 0;
