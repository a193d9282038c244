-- +goose Up
-- SHA-256 of the imported password hash, after the server has replaced it with a stronger
-- hash of the same password.
ALTER TABLE accounts ADD COLUMN renewed_from BYTEA;
