-- +goose Up
CREATE TABLE api_keys (
  id         TEXT   NOT NULL PRIMARY KEY,
  name       TEXT   NOT NULL,
  hash       BYTEA  NOT NULL,
  scopes     TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT
);
