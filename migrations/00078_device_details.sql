-- +goose Up
-- The authorization details (RFC 9396) that a device requests: a JSON array, empty for none.
ALTER TABLE devices ADD COLUMN details TEXT NOT NULL DEFAULT '';
