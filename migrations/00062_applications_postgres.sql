-- +goose Up
-- When clients and their secrets were last used, written once a minute by each replica. An empty secret
-- is the client itself; another one is an identifier from which the secret cannot be found.
CREATE TABLE client_uses (
  client_id TEXT   NOT NULL,
  secret    TEXT   NOT NULL,
  used_at   BIGINT NOT NULL,
  PRIMARY KEY (client_id, secret)
);
CREATE INDEX client_uses_used ON client_uses (used_at);
ALTER TABLE clients ADD COLUMN secret_created_at BIGINT NOT NULL DEFAULT 0; -- 0 if it is unknown
-- For lists of clients by name; those without a name have their ID.
CREATE INDEX clients_listed ON clients (substr(lower((CASE WHEN name = '' THEN id ELSE name END) COLLATE "C"), 1, 100), (id COLLATE "C"));
