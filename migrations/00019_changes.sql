-- +goose Up
-- The number of the last change of a record that replicas cache: a client, an API key,
-- a trusted issuer, a signing key, the state of an account.
CREATE TABLE change_counter (
  only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
  value    BIGINT  NOT NULL
);
INSERT INTO change_counter (only_row, value) VALUES (1, 0);

-- The processes that cache such records.
CREATE TABLE replicas (
  id        TEXT    NOT NULL PRIMARY KEY, -- random, new for each start
  seen      BIGINT  NOT NULL,             -- it uses no cached record older than this change
  ttl       BIGINT  NOT NULL,             -- validity of its readings of the counter in microseconds
  suspected INTEGER NOT NULL              -- 1: it did not respond in time; a reading with this value is not used
);
