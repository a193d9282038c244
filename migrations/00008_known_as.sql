-- +goose Up
-- The sub that a login app chose for a client, which its logout tokens contain.
ALTER TABLE participants ADD COLUMN known_as TEXT NOT NULL DEFAULT '';
ALTER TABLE notices ADD COLUMN known_as TEXT NOT NULL DEFAULT '';
