-- +goose Up
-- Files with everything that is stored about an account, which users download. An account has at
-- most one.
CREATE TABLE data_files (
  subject      TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (subject) ON DELETE CASCADE,
  requested_at BIGINT NOT NULL,
  due_at       BIGINT NOT NULL, -- of the next attempt to make the file
  attempts     BIGINT NOT NULL,
  content      BYTEA,           -- compressed, sealed under a system secret; NULL until it is made
  made_at      BIGINT,
  expires_at   BIGINT NOT NULL
);
CREATE INDEX data_files_due_at ON data_files (due_at) WHERE content IS NULL;
CREATE INDEX data_files_expires_at ON data_files (expires_at);
