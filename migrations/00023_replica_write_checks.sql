-- +goose Up
-- How often a replica has tried whether the database takes writes. Each try writes another
-- number: SQLite does not write a row that stays as it is, so a full disk goes unnoticed.
ALTER TABLE replicas ADD COLUMN write_checks BIGINT NOT NULL DEFAULT 0;
