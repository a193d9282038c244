-- +goose Up
-- Backchannel authentication requests (CIBA) that wait for a user to allow or deny them. An allowed
-- request has a grant with the locator in its row. The subject is empty if no user can decide.
CREATE TABLE backchannel_requests (
  grant_id     BYTEA   NOT NULL PRIMARY KEY,
  grant_bucket BIGINT  NOT NULL,
  client_id    TEXT    NOT NULL,
  subject      TEXT    NOT NULL,
  person       BYTEA   NOT NULL,        -- a digest of the subject, or of the hint of an unknown user
  detail       TEXT    NOT NULL,        -- what was requested, as JSON
  notification BYTEA,                   -- the sealed token of the client for its notification endpoint
  seed         BYTEA   NOT NULL,        -- of the auth_req_id, later of the grant
  wait         BIGINT  NOT NULL,        -- between two polls; grows with each early one
  early        INTEGER NOT NULL,        -- the last poll was early
  created_at   BIGINT  NOT NULL,
  expires_at   BIGINT  NOT NULL,
  polled_at    BIGINT,
  denied_at    BIGINT,
  allowed_at   BIGINT
);
CREATE INDEX backchannel_requests_expires_at ON backchannel_requests (expires_at, grant_id);
CREATE INDEX backchannel_requests_person ON backchannel_requests (person, expires_at);
CREATE INDEX backchannel_requests_subject ON backchannel_requests (subject, expires_at);
