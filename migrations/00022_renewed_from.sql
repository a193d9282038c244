-- +goose Up
-- SHA-256 of the password hash that an account was imported with, once the server has
-- replaced it by a stronger one of the same password.
ALTER TABLE accounts ADD COLUMN renewed_from BYTEA;
