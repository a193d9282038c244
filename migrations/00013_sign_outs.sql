-- +goose Up
-- Logout requests that wait for the logout app.
CREATE TABLE sign_outs (
  id         TEXT   NOT NULL PRIMARY KEY,
  session_id TEXT   NOT NULL,
  subject    TEXT   NOT NULL,
  client_id  TEXT   NOT NULL, -- the requesting client; empty: unknown
  redirect   TEXT   NOT NULL, -- the post-logout redirect URI; empty: none
  state      TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  decision   TEXT   NOT NULL,
  decided_at BIGINT,
  verifier   BYTEA,           -- a hash, of the answer
  spent_at   BIGINT           -- the verifier was redeemed
);
CREATE INDEX sign_outs_expires_at ON sign_outs (expires_at);
