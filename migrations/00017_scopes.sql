-- +goose Up
-- What scopes mean, beyond those of OpenID Connect Core, which are there without a
-- record; a record of one of those takes the place of the built-in one.
CREATE TABLE scopes (
  name              TEXT    NOT NULL PRIMARY KEY,
  title             TEXT    NOT NULL,
  description       TEXT    NOT NULL,
  claims            TEXT    NOT NULL, -- JSON: the name of a claim to the places where it is released
  self_registration INTEGER NOT NULL,
  created_at        BIGINT  NOT NULL,
  updated_at        BIGINT  NOT NULL
);
INSERT INTO scopes (name, title, description, claims, self_registration, created_at, updated_at) VALUES
  ('groups', 'See your groups', 'The groups that you belong to.', '{"groups":["id_token","userinfo"]}', 0, 0, 0),
  ('roles', 'See your roles', 'The roles that you have been given.', '{"roles":["id_token","userinfo"]}', 0, 0, 0);
