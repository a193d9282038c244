-- +goose Up
-- The version that a replica runs, for the overview of the administrators' console; empty if unknown.
ALTER TABLE replicas ADD COLUMN version TEXT NOT NULL DEFAULT '';
