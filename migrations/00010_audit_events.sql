-- +goose Up
-- Audit events. A row is inserted once, gets its outcome once, and is purged by age; its id
-- grows with time.
CREATE TABLE audit_events (
  id         TEXT   NOT NULL PRIMARY KEY,
  at         BIGINT NOT NULL,
  action     TEXT   NOT NULL,
  target     TEXT   NOT NULL,
  actor_kind TEXT   NOT NULL,
  actor_id   TEXT   NOT NULL,
  actor_name TEXT   NOT NULL,
  address    TEXT   NOT NULL,
  request_id TEXT   NOT NULL,
  outcome    TEXT   NOT NULL, -- empty while unknown
  status     BIGINT NOT NULL
);
CREATE INDEX audit_events_action ON audit_events (action, id);
CREATE INDEX audit_events_actor ON audit_events (actor_id, id);
CREATE INDEX audit_events_target ON audit_events (target, id);
