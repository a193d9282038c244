-- +goose Up
-- The version of the operator's terms that a user has accepted, and when; NULL if none.
ALTER TABLE accounts ADD COLUMN terms_version TEXT;
ALTER TABLE accounts ADD COLUMN terms_accepted_at BIGINT;
-- The version that a user accepted with the sign-up form.
ALTER TABLE sign_ups ADD COLUMN terms_version TEXT;
