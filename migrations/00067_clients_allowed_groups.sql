-- +goose Up
-- The clients that only the members of some groups may use, for the page of a group.
CREATE INDEX clients_allowed_groups ON clients (id) WHERE metadata LIKE '%"allowed_groups":%';
