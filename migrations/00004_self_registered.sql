-- +goose Up
-- Whoever made their account themselves holds it by its name alone: what an operator
-- brings under that name later need not be meant for them.
ALTER TABLE accounts ADD COLUMN self_registered INTEGER NOT NULL DEFAULT 0;
