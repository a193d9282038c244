-- +goose Up
-- Most consents are for all sessions of a person. An index over those too is as large as
-- the table, and of so few different values that the planner would not use it.
CREATE INDEX consents_of_session ON consents (session_id) WHERE session_id <> '';
DROP INDEX consents_session;
