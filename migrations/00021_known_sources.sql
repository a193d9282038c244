-- +goose Up
-- The browsers and networks from which an account has signed in. Password attempts from
-- them have separate failure counters.
CREATE TABLE known_sources (
  digest     BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of kind, username and device cookie or network
  kind       TEXT   NOT NULL,             -- device or network
  subject    TEXT   NOT NULL,
  not_before BIGINT NOT NULL,             -- of the account at that sign-in; with another value the row is invalid
  noted_at   BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX known_sources_subject ON known_sources (subject);
CREATE INDEX known_sources_expires_at ON known_sources (expires_at);
