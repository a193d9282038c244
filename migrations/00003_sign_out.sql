-- +goose Up
-- The clients that hear of the end of a session, since they had an answer in it.
-- The reference makes whoever joins wait for whoever ends the session, and the
-- other way round. Its loss is no fault: the end names the session first, and the
-- version before, which may still run, does not know of participants at all.
CREATE TABLE participants (
  session_id TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  joined_at  BIGINT NOT NULL,
  living     TEXT   REFERENCES sessions (id) ON DELETE SET NULL, -- the session while it is there
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
  due_at      BIGINT  NOT NULL, -- of the next try; while one is under way, when it counts as lost
  until       BIGINT  NOT NULL, -- no further try after it
  attempts    BIGINT  NOT NULL,
  status      BIGINT  NOT NULL, -- of the last answer over HTTP, 0 if there was none
  fault       TEXT    NOT NULL, -- of the last try
  ended_at    BIGINT,           -- delivered or given up
  purge_after BIGINT
);
CREATE INDEX notices_due ON notices (state, client_id, due_at);
CREATE INDEX notices_purge_after ON notices (purge_after);
