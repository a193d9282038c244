-- +goose Up
-- Authorization requests that clients pushed (RFC 9126). The response creates the grant at
-- grant_bucket and grant_id, so that a request gets one response.
CREATE TABLE pushed_requests (
  id           TEXT   NOT NULL PRIMARY KEY, -- 256 random bits, the end of the request_uri
  client_id    TEXT   NOT NULL,
  parameters   TEXT   NOT NULL,             -- canonical and validated, as a query string
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  grant_bucket BIGINT NOT NULL,
  grant_id     BYTEA  NOT NULL
);
CREATE INDEX pushed_requests_expires_at ON pushed_requests (expires_at);
