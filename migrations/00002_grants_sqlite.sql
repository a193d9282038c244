-- +goose Up
-- None of the columns that change is indexed, so that an update stays in its page.
CREATE TABLE grants (
  bucket             BIGINT  NOT NULL, -- the hour or week of its creation; tokens carry it
  id                 BYTEA   NOT NULL, -- UUIDv7
  kind               INTEGER NOT NULL,
  client_id          TEXT    NOT NULL,
  subject            TEXT    NOT NULL,
  session_id         TEXT,
  scopes             TEXT    NOT NULL,
  resources          TEXT    NOT NULL,
  created_at         BIGINT  NOT NULL,
  expires_at         BIGINT  NOT NULL, -- slides with each refresh, never beyond ends_at
  ends_at            BIGINT  NOT NULL,
  code_expires_at    BIGINT,
  code_spent_at      BIGINT,
  refresh_generation BIGINT  NOT NULL,
  refresh_rotated_at BIGINT,
  polled_at          BIGINT,
  revoked_at         BIGINT,
  revoked_why        TEXT,
  jkt                TEXT,             -- DPoP key thumbprint
  x5t                TEXT,             -- certificate thumbprint
  seed               BYTEA   NOT NULL,
  detail             TEXT    NOT NULL, -- JSON
  PRIMARY KEY (bucket, id)
);
CREATE INDEX grants_subject ON grants (subject, client_id);
CREATE INDEX grants_session ON grants (session_id);
