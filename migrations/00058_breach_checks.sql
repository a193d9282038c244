-- +goose Up
-- The last check of a password against the list of breached passwords: the SHA-256 of the password
-- hash that was checked, so that the check is void after any change of the password, and whether
-- the list has the password.
ALTER TABLE accounts ADD COLUMN breach_checked BYTEA;
ALTER TABLE accounts ADD COLUMN breached INTEGER NOT NULL DEFAULT 0;
