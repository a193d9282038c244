-- +goose Up
-- When a user was last warned that the account will be disabled because it is not used.
ALTER TABLE accounts ADD COLUMN inactive_warned_at BIGINT;
