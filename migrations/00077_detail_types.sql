-- +goose Up
-- Types of authorization details (RFC 9396).
CREATE TABLE detail_types (
  name       TEXT   NOT NULL PRIMARY KEY,
  document   TEXT   NOT NULL, -- JSON: schema, sentences, resource, narrowing
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
