-- +goose Up
-- Clients whose backchannel authentication requests a user does not want to see.
CREATE TABLE blocked_clients (
  subject    TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  blocked_at BIGINT NOT NULL,
  PRIMARY KEY (subject, client_id)
);
CREATE INDEX blocked_clients_client ON blocked_clients (client_id);
