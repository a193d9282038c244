-- +goose Up
-- The name under which a client knows a person, where a login app chose it: by that
-- name it hears of their sign-out.
ALTER TABLE participants ADD COLUMN known_as TEXT NOT NULL DEFAULT '';
ALTER TABLE notices ADD COLUMN known_as TEXT NOT NULL DEFAULT '';
