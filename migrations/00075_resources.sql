-- +goose Up
-- The resources that the operator has declared.
CREATE TABLE resources (
  id         TEXT   NOT NULL PRIMARY KEY, -- the identifier without a slash at its end
  document   TEXT   NOT NULL, -- JSON: identifier, name, scopes, and the policy for its tokens
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
