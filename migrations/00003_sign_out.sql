-- +goose Up
-- The participants of a session: clients that got a response in it and are notified of its
-- end. The reference orders joining and ending a session. Losing it is not an error: ending
-- selects by the session first, and the previous version, which may still run, has no
-- participants.
CREATE TABLE participants (
  session_id TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  joined_at  BIGINT NOT NULL,
  living     TEXT   REFERENCES sessions (id) ON DELETE SET NULL, -- the session while it exists
  PRIMARY KEY (session_id, client_id)
);
CREATE INDEX participants_living ON participants (living);

CREATE TABLE notices (
  id          TEXT    NOT NULL PRIMARY KEY,
  kind        TEXT    NOT NULL, -- backchannel_logout
  client_id   TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  session_id  TEXT    NOT NULL,
  state       TEXT    NOT NULL, -- pending, delivered, failed
  created_at  BIGINT  NOT NULL,
  due_at      BIGINT  NOT NULL, -- of the next attempt; during an attempt, when it counts as lost
  until       BIGINT  NOT NULL, -- no further attempt after it
  attempts    BIGINT  NOT NULL,
  status      BIGINT  NOT NULL, -- of the last HTTP response, 0 without a response
  fault       TEXT    NOT NULL, -- of the last attempt
  ended_at    BIGINT,           -- delivered or given up
  purge_after BIGINT
);
CREATE INDEX notices_due ON notices (state, client_id, due_at);
CREATE INDEX notices_purge_after ON notices (purge_after);
