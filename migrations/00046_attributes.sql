-- +goose Up
-- The attributes that accounts may have beside the standard claims.
CREATE TABLE attributes (
  name       TEXT   NOT NULL PRIMARY KEY,
  document   TEXT   NOT NULL, -- JSON: type, whether it is required, claim and scope
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
