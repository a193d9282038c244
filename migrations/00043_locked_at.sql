-- +goose Up
-- When an account was locked down; NULL if it is not. The lockdown sets disabled_at to the
-- same time, so that replicas of the previous version refuse the user too.
ALTER TABLE accounts ADD COLUMN locked_at BIGINT;
