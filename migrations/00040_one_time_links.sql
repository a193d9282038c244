-- +goose Up
-- Links that users get by mail or from an administrator. A row has the hash of the token.
CREATE TABLE one_time_links (
  hash        BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the token
  kind        TEXT   NOT NULL,             -- verify, sign-up, recover, invitation
  subject     TEXT   NOT NULL,             -- of the account, or the ID of the sign-up
  address_key TEXT   NOT NULL,             -- of the address that it was sent to, or empty
  version     TEXT   NOT NULL,             -- digest of the account's password, addresses and state
  data        TEXT   NOT NULL,             -- JSON
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  proven_at   BIGINT,                      -- a second factor was proven or waived
  spent_at    BIGINT
);
CREATE INDEX one_time_links_subject ON one_time_links (kind, subject, address_key);
CREATE INDEX one_time_links_expires_at ON one_time_links (expires_at);
