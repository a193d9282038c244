-- +goose Up
-- Sign-outs that the operator's own sign-out app is asked about.
CREATE TABLE sign_outs (
  id         TEXT   NOT NULL PRIMARY KEY,
  session_id TEXT   NOT NULL,
  subject    TEXT   NOT NULL,
  client_id  TEXT   NOT NULL, -- who asks for it; empty: nobody in particular
  redirect   TEXT   NOT NULL, -- where the client wants the person afterwards; empty if it did not say
  state      TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  decision   TEXT   NOT NULL,
  decided_at BIGINT,
  verifier   BYTEA,           -- a hash, of what the app's answer is known by
  spent_at   BIGINT           -- the person came back with it
);
CREATE INDEX sign_outs_expires_at ON sign_outs (expires_at);
