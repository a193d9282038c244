-- +goose Up
-- Counters per hour and day, for the overview of the administrators' console. Each replica adds to
-- them about once a minute.
CREATE TABLE statistics (
  width       BIGINT NOT NULL, -- of the interval in seconds: an hour or a day
  began_at    BIGINT NOT NULL, -- the start of the interval
  counter     TEXT   NOT NULL,
  total       BIGINT NOT NULL,
  purge_after BIGINT NOT NULL,
  PRIMARY KEY (width, began_at, counter)
);
CREATE INDEX statistics_purge_after ON statistics (purge_after);
