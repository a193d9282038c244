-- +goose Up
-- How many authenticator apps were ever added to an account. The secret of an enrolment is derived
-- from it and from the session, so that viewing the page writes nothing. Replicas of the previous
-- version still write pending_authenticators.
ALTER TABLE accounts ADD COLUMN enrolments BIGINT NOT NULL DEFAULT 0;
