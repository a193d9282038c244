-- +goose Up
-- The number of write checks of a replica. Each check writes a new number: SQLite does not
-- write an unchanged row, which would hide a full disk.
ALTER TABLE replicas ADD COLUMN write_checks BIGINT NOT NULL DEFAULT 0;
