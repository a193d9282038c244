-- +goose Up
-- The outbox of messages to users. A row contains no secret: the link or code of a message is
-- created when it is sent.
CREATE TABLE mails (
  id          TEXT    NOT NULL PRIMARY KEY,
  kind        TEXT    NOT NULL,
  subject     TEXT    NOT NULL, -- of the account, or empty
  recipient   TEXT    NOT NULL, -- an address
  language    TEXT    NOT NULL,
  data        TEXT    NOT NULL, -- JSON
  anonymous   INTEGER NOT NULL, -- 1: caused by a request without a user
  state       TEXT    NOT NULL, -- pending, sent, failed, discarded
  created_at  BIGINT  NOT NULL,
  due_at      BIGINT  NOT NULL, -- of the next attempt; during an attempt, when it counts as lost
  until       BIGINT  NOT NULL, -- no further attempt after it
  attempts    BIGINT  NOT NULL,
  fault       TEXT    NOT NULL, -- of the last attempt
  ended_at    BIGINT,
  purge_after BIGINT
);
CREATE INDEX mails_due ON mails (state, due_at);
CREATE INDEX mails_purge_after ON mails (purge_after);
CREATE INDEX mails_anonymous ON mails (created_at) WHERE anonymous = 1;
