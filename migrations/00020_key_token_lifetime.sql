-- +goose Up
-- The longest that a token signed with a key may live, in microseconds, so that a shorter
-- longest_token_lifetime does not take keys away from tokens of before.
ALTER TABLE signing_keys ADD COLUMN token_lifetime BIGINT NOT NULL DEFAULT 0;
