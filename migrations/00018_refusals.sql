-- +goose Up
-- Rejected requests, so that they can be explained. Rows are inserted in batches, after the
-- response, and removed by age and number. The id grows with time.
CREATE TABLE refusals (
  id         TEXT   NOT NULL PRIMARY KEY,
  number     BIGINT NOT NULL, -- counts up, to find the oldest ones
  at         BIGINT NOT NULL,
  request_id TEXT   NOT NULL,
  method     TEXT   NOT NULL,
  route      TEXT   NOT NULL,
  status     BIGINT NOT NULL,
  code       TEXT   NOT NULL,
  rule       TEXT   NOT NULL,
  cause      TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  grant_id   TEXT   NOT NULL,
  network    TEXT   NOT NULL,
  attributes TEXT   NOT NULL -- JSON
);
CREATE INDEX refusals_number ON refusals (number);
CREATE INDEX refusals_request ON refusals (request_id, id);
CREATE INDEX refusals_client ON refusals (client_id, id);
CREATE INDEX refusals_rule ON refusals (rule, id);

CREATE TABLE refusal_numbers (
  id   BIGINT NOT NULL PRIMARY KEY,
  last BIGINT NOT NULL -- the last number in use
);
INSERT INTO refusal_numbers (id, last) VALUES (1, 0);
