-- +goose Up
-- Definitions of scopes. The scopes of OpenID Connect Core are built in; a row replaces the
-- built-in definition.
CREATE TABLE scopes (
  name              TEXT    NOT NULL PRIMARY KEY,
  title             TEXT    NOT NULL,
  description       TEXT    NOT NULL,
  claims            TEXT    NOT NULL, -- JSON: name of a claim to its destinations
  self_registration INTEGER NOT NULL,
  created_at        BIGINT  NOT NULL,
  updated_at        BIGINT  NOT NULL
);
INSERT INTO scopes (name, title, description, claims, self_registration, created_at, updated_at) VALUES
  ('groups', 'See your groups', 'The groups that you belong to.', '{"groups":["id_token","userinfo"]}', 0, 0, 0),
  ('roles', 'See your roles', 'The roles that you have been given.', '{"roles":["id_token","userinfo"]}', 0, 0, 0);
