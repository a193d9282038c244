-- +goose Up
CREATE TABLE clients (
  id                 TEXT    NOT NULL PRIMARY KEY,
  metadata           TEXT    NOT NULL, -- JSON under the names of RFC 7591
  secret             TEXT    NOT NULL, -- a hash; empty if there is none
  registration_token BYTEA,            -- a hash
  previous_token     BYTEA,            -- a hash, valid until previous_until
  previous_until     BIGINT,
  dynamic            INTEGER NOT NULL,
  disabled           INTEGER NOT NULL,
  not_before         BIGINT  NOT NULL, -- older grants, sessions and tokens are invalid
  created_at         BIGINT  NOT NULL,
  updated_at         BIGINT  NOT NULL,
  version            BIGINT  NOT NULL
);

CREATE TABLE accounts (
  subject       TEXT    NOT NULL PRIMARY KEY,
  username      TEXT    NOT NULL UNIQUE,
  password_hash TEXT    NOT NULL,
  claims        TEXT    NOT NULL, -- JSON
  administrator INTEGER NOT NULL,
  disabled_at   BIGINT,
  not_before    BIGINT  NOT NULL, -- older grants, sessions and tokens are invalid
  created_at    BIGINT  NOT NULL,
  updated_at    BIGINT  NOT NULL
);

CREATE TABLE setup_links (
  hash       BYTEA  NOT NULL PRIMARY KEY,
  expires_at BIGINT NOT NULL,
  spent_at   BIGINT
);

CREATE TABLE sessions (
  id         TEXT    NOT NULL PRIMARY KEY, -- public: the sid claim
  cookie     BYTEA   NOT NULL UNIQUE,      -- a hash
  subject    TEXT    NOT NULL,
  auth_time  BIGINT  NOT NULL,
  acr        TEXT    NOT NULL,
  amr        TEXT    NOT NULL,
  remembered INTEGER NOT NULL,
  created_at BIGINT  NOT NULL,
  seen_at    BIGINT  NOT NULL,
  idle_until BIGINT  NOT NULL,             -- never beyond ends_at
  ends_at    BIGINT  NOT NULL
);
CREATE INDEX sessions_subject ON sessions (subject);
CREATE INDEX sessions_idle_until ON sessions (idle_until);

CREATE TABLE consents (
  subject    TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  session_id TEXT   NOT NULL, -- empty: for all sessions of the subject
  scopes     TEXT   NOT NULL,
  given_at   BIGINT NOT NULL,
  expires_at BIGINT,
  PRIMARY KEY (subject, client_id, session_id)
);
CREATE INDEX consents_client ON consents (client_id);
CREATE INDEX consents_session ON consents (session_id);
CREATE INDEX consents_expires_at ON consents (expires_at);

CREATE TABLE requests (
  id           TEXT   NOT NULL PRIMARY KEY,
  browser      BYTEA  NOT NULL, -- a hash
  client_id    TEXT   NOT NULL,
  parameters   TEXT   NOT NULL,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  grant_bucket BIGINT NOT NULL,
  grant_id     BYTEA  NOT NULL,
  session_id   TEXT   NOT NULL,
  signed_in_at BIGINT,
  decision     TEXT   NOT NULL,
  decided_at   BIGINT,
  decided_for  TEXT   NOT NULL
);
CREATE INDEX requests_expires_at ON requests (expires_at);

CREATE TABLE revoked_tokens (
  jti   TEXT   NOT NULL PRIMARY KEY,
  until BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_until ON revoked_tokens (until);

CREATE TABLE replay (
  digest BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of kind, owner and key
  until  BIGINT NOT NULL
);
CREATE INDEX replay_until ON replay (until);

CREATE TABLE guesses (
  digest BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the key
  count  BIGINT NOT NULL,
  since  BIGINT NOT NULL,
  until  BIGINT NOT NULL
);
CREATE INDEX guesses_until ON guesses (until);

CREATE TABLE signing_keys (
  kid          TEXT  NOT NULL PRIMARY KEY,
  algorithm    TEXT  NOT NULL,
  state        TEXT  NOT NULL,
  sealed       BYTEA NOT NULL,
  published_at BIGINT,
  activated_at BIGINT,
  retired_at   BIGINT,
  remove_after BIGINT
);

-- One row. Its version is the compare-and-set of changes of the key set.
CREATE TABLE key_state (
  only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
  version  BIGINT  NOT NULL
);
INSERT INTO key_state (only_row, version) VALUES (1, 0);

-- Random parts of keys: the other part is the system secret, so that creating a token
-- requires both the database and the secret.
CREATE TABLE seeds (
  name  TEXT  NOT NULL PRIMARY KEY,
  value BYTEA NOT NULL
);
