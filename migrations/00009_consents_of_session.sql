-- +goose Up
-- Most consents are for all sessions of a user. An index over those too would be as large
-- as the table, and have so few values that the planner would not use it.
CREATE INDEX consents_of_session ON consents (session_id) WHERE session_id <> '';
DROP INDEX consents_session;
