-- +goose Up
-- When a user allowed the device. Allowing and denying change the same row, so that one of them is final.
ALTER TABLE devices ADD COLUMN allowed_at BIGINT;
