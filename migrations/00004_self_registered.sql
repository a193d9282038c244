-- +goose Up
-- The user created the account: an import with the same username may be for another user.
ALTER TABLE accounts ADD COLUMN self_registered INTEGER NOT NULL DEFAULT 0;
