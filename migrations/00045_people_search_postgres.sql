-- +goose Up
-- Indexes for searches of users by the beginning of a name or an address. Claims are cut, since
-- an entry of an index is limited to 2,704 bytes.
CREATE INDEX accounts_username_prefix ON accounts (username COLLATE "C");
CREATE INDEX addresses_prefix ON addresses (address_key COLLATE "C");
CREATE INDEX accounts_name ON accounts (substr(lower((claims::json ->> 'name') COLLATE "C"), 1, 100));
CREATE INDEX accounts_given_name ON accounts (substr(lower((claims::json ->> 'given_name') COLLATE "C"), 1, 100));
CREATE INDEX accounts_family_name ON accounts (substr(lower((claims::json ->> 'family_name') COLLATE "C"), 1, 100));
