-- +goose Up
-- The expiry of the last access token of a grant, so that a grant is kept as long as its
-- tokens, with any client lifespans. NULL: unknown; ends_at is the bound.
ALTER TABLE grants ADD COLUMN tokens_until BIGINT;
