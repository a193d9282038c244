-- +goose Up
-- The longest lifetime of tokens signed with a key, in microseconds, so that a shorter
-- longest_token_lifetime does not remove keys of older tokens.
ALTER TABLE signing_keys ADD COLUMN token_lifetime BIGINT NOT NULL DEFAULT 0;
