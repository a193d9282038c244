-- +goose Up
-- Where a session was last used, in words for its user: browser and system as named by
-- session.NewOrigin, and the narrowest network of the address. Empty if unknown.
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN system TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT '';
