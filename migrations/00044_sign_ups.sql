-- +goose Up
-- Users who have signed up and not yet confirmed their email address.
CREATE TABLE sign_ups (
  id          TEXT   NOT NULL PRIMARY KEY,
  browser     BYTEA  NOT NULL, -- SHA-256 of the cookie of the browser that signed up
  request_id  TEXT   NOT NULL, -- the authorization request that goes on afterwards
  username    TEXT   NOT NULL,
  secret      TEXT   NOT NULL, -- the hash of the password
  claims      TEXT   NOT NULL, -- JSON
  address     TEXT   NOT NULL,
  remember    INTEGER NOT NULL,
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  code        BYTEA,           -- keyed hash of the code that another browser shows
  code_until  BIGINT,
  code_tries  BIGINT NOT NULL
);
CREATE INDEX sign_ups_browser ON sign_ups (browser);
CREATE INDEX sign_ups_created_at ON sign_ups (created_at);
