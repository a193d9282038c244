-- +goose Up
-- The clients that hear of the end of a session, since they had an answer in it.
-- The reference makes whoever joins wait for whoever ends the session, and the
-- other way round; it is checked last, so that the end can name the session first.
CREATE TABLE participants (
  session_id TEXT   NOT NULL REFERENCES sessions (id) DEFERRABLE INITIALLY DEFERRED,
  client_id  TEXT   NOT NULL,
  joined_at  BIGINT NOT NULL,
  PRIMARY KEY (session_id, client_id)
);

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
