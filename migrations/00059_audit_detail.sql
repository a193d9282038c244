-- +goose Up
-- What an event changed, such as the role of an administrator before and after.
ALTER TABLE audit_events ADD COLUMN detail TEXT NOT NULL DEFAULT '';
