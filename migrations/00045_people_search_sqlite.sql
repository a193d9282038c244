-- +goose Up
-- Indexes for searches of users by the beginning of a name or an address. Usernames have one.
CREATE INDEX addresses_prefix ON addresses (address_key);
CREATE INDEX accounts_name ON accounts (substr(lower(json_extract(claims, '$.name')), 1, 100));
CREATE INDEX accounts_given_name ON accounts (substr(lower(json_extract(claims, '$.given_name')), 1, 100));
CREATE INDEX accounts_family_name ON accounts (substr(lower(json_extract(claims, '$.family_name')), 1, 100));
