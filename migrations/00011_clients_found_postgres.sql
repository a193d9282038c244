-- +goose Up
-- Indexes for searches of clients, and replaced secrets.
ALTER TABLE clients ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN rotated_secrets TEXT NOT NULL DEFAULT ''; -- JSON
UPDATE clients SET name = coalesce(metadata::json->>'client_name', ''), owner = coalesce(metadata::json->>'owner', '');
CREATE INDEX clients_name ON clients (name, id);
CREATE INDEX clients_owner ON clients (owner, id);
