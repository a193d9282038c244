-- +goose Up
-- Trusted issuers of JWT bearer assertions (RFC 7523). An empty subject allows any.
CREATE TABLE trusted_issuers (
  id         TEXT   NOT NULL PRIMARY KEY,
  issuer     TEXT   NOT NULL,
  subject    TEXT   NOT NULL,
  scopes     TEXT   NOT NULL,
  kid        TEXT   NOT NULL,
  jwk        TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (issuer, subject, kid)
);
CREATE INDEX trusted_issuers_expires ON trusted_issuers (expires_at);
