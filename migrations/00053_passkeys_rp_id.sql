-- +goose Up
-- The start of the server looks for passkeys with another RP ID.
CREATE INDEX passkeys_rp_id ON passkeys (rp_id);
