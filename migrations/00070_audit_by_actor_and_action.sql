-- +goose Up
-- For the events of an actor with an action, of which both may have many.
CREATE INDEX audit_events_actor_action ON audit_events (actor_id, action, id);
