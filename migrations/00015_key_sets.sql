-- +goose Up
-- Key sets of applications.
CREATE TABLE set_keys (
  set_name   TEXT   NOT NULL,
  kid        TEXT   NOT NULL,
  public     TEXT   NOT NULL, -- JSON, RFC 7517
  sealed     BYTEA,           -- the private or symmetric key
  created_at BIGINT NOT NULL,
  PRIMARY KEY (set_name, kid)
);
