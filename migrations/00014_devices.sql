-- +goose Up
-- Devices that wait for a user to allow or deny them. An allowed device has a grant with the
-- locator in its row.
CREATE TABLE devices (
  grant_id     BYTEA  NOT NULL PRIMARY KEY,
  grant_bucket BIGINT NOT NULL,
  client_id    TEXT   NOT NULL,
  user_code    BYTEA  NOT NULL UNIQUE, -- a MAC
  scopes       TEXT   NOT NULL,
  resources    TEXT   NOT NULL,
  seed         BYTEA  NOT NULL,        -- of the device code, later of the grant
  wait         BIGINT NOT NULL,        -- between two polls; grows with each early one
  early        INTEGER NOT NULL,       -- the last poll was early
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  polled_at    BIGINT,
  denied_at    BIGINT
);
CREATE INDEX devices_expires_at ON devices (expires_at);

ALTER TABLE requests ADD COLUMN device INTEGER NOT NULL DEFAULT 0; -- a device waits for the response
