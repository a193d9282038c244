-- +goose Up
-- Failed sign-ins in a row from devices and networks that the account does not know. After 100
-- of them the password is accepted only from known ones.
CREATE TABLE password_failures (
  digest   BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the username, which need not exist
  count    BIGINT NOT NULL,
  noted_at BIGINT NOT NULL              -- of the last failure
);
CREATE INDEX password_failures_noted_at ON password_failures (noted_at);
