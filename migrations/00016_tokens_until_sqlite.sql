-- +goose Up
-- When the last access token under a grant ends, so that a grant is found and kept for as
-- long as any of its tokens, whatever lifespans clients have. NULL: not known; ends_at holds.
ALTER TABLE grants ADD COLUMN tokens_until BIGINT;
