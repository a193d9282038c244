-- +goose Up
-- Keys that programs of the operator's keep here for uses of their own.
CREATE TABLE set_keys (
  set_name   TEXT   NOT NULL,
  kid        TEXT   NOT NULL,
  public     TEXT   NOT NULL, -- JSON, RFC 7517
  sealed     BYTEA,           -- the whole key, where there is more to it
  created_at BIGINT NOT NULL,
  PRIMARY KEY (set_name, kid)
);
