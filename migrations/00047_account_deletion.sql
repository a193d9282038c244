-- +goose Up
-- When its user asked to delete an account; NULL if not. The request sets disabled_at to the same
-- time: the account is deleted seven days later only if both are still equal, so that it stays if
-- it was enabled in the meantime, even by a replica of the previous version.
ALTER TABLE accounts ADD COLUMN deletion_requested_at BIGINT;
CREATE INDEX accounts_deletion ON accounts (deletion_requested_at) WHERE deletion_requested_at IS NOT NULL;
