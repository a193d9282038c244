-- +goose Up
-- The role of an owner is administrator = 1, which a process of the previous version reads and
-- writes; admin_role has the other roles.
ALTER TABLE accounts ADD COLUMN admin_role TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN state TEXT NOT NULL DEFAULT '';      -- empty: active
ALTER TABLE accounts ADD COLUMN roles TEXT NOT NULL DEFAULT '';      -- JSON, empty if there are none
ALTER TABLE accounts ADD COLUMN attributes TEXT NOT NULL DEFAULT ''; -- JSON, empty if there are none

-- The email addresses of accounts. A question mark before the key marks an address that the
-- end of Migrate writes again, since SQL cannot compute its key or change the claim.
CREATE TABLE addresses (
  subject     TEXT    NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  address_key TEXT    NOT NULL, -- see account.AddressKey
  address     TEXT    NOT NULL,
  verified_at BIGINT,
  is_primary  INTEGER NOT NULL,
  PRIMARY KEY (subject, address_key)
);
CREATE UNIQUE INDEX addresses_verified ON addresses (address_key) WHERE verified_at IS NOT NULL;
CREATE UNIQUE INDEX addresses_primary ON addresses (subject) WHERE is_primary = 1;
CREATE INDEX addresses_marked ON addresses (subject) WHERE address_key LIKE '?%';

CREATE TABLE user_groups (
  name        TEXT   NOT NULL PRIMARY KEY,
  description TEXT   NOT NULL,
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL
);

CREATE TABLE memberships (
  subject    TEXT NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  group_name TEXT NOT NULL REFERENCES user_groups (name) ON DELETE CASCADE ON UPDATE CASCADE,
  PRIMARY KEY (subject, group_name)
);
CREATE INDEX memberships_group ON memberships (group_name, subject);

-- The claim email becomes the primary address. Of several accounts with the same verified
-- address the oldest keeps it verified.
INSERT INTO addresses (subject, address_key, address, verified_at, is_primary)
SELECT subject, CASE WHEN verified AND place > 1 THEN '?' ELSE '' END || address_key, address,
  CASE WHEN verified AND place = 1 THEN created_at END, 1
FROM (
  SELECT subject, created_at, address, address_key, verified,
    row_number() OVER (PARTITION BY address_key, verified ORDER BY created_at, subject) AS place
  FROM (
    SELECT subject, created_at, json_extract(claims, '$.email') AS address,
      CASE WHEN json_extract(claims, '$.email') GLOB '*[^!-~]*' THEN '?' ELSE '' END || lower(json_extract(claims, '$.email')) AS address_key,
      coalesce(json_extract(claims, '$.email_verified') = 1, 0) AS verified
    FROM accounts WHERE json_type(claims, '$.email') = 'text'
  )
  WHERE address GLOB '?*@?*' AND address NOT GLOB '*[ <>"' || char(9, 10, 13) || ']*' AND length(address) <= 254
);

-- A process of the previous version writes the claim alone, until it is replaced. These
-- triggers change the primary address in the same statement. The step that ends the support
-- of that version drops them.
-- +goose StatementBegin
CREATE TRIGGER copy_new_email AFTER INSERT ON accounts WHEN json_type(NEW.claims, '$.email') = 'text'
BEGIN
  INSERT INTO addresses (subject, address_key, address, verified_at, is_primary)
  SELECT NEW.subject, address_key, address, CASE WHEN verified AND NOT EXISTS (
      SELECT 1 FROM addresses o WHERE o.address_key = found.address_key AND o.verified_at IS NOT NULL) THEN NEW.updated_at END, 1
  FROM (
    SELECT json_extract(NEW.claims, '$.email') AS address,
      CASE WHEN json_extract(NEW.claims, '$.email') GLOB '*[^!-~]*' THEN '?' ELSE '' END || lower(json_extract(NEW.claims, '$.email')) AS address_key,
      coalesce(json_extract(NEW.claims, '$.email_verified') = 1, 0) AS verified
  ) AS found
  WHERE address GLOB '?*@?*' AND address NOT GLOB '*[ <>"' || char(9, 10, 13) || ']*' AND length(address) <= 254
  ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER copy_changed_email AFTER UPDATE OF claims ON accounts
WHEN json_extract(NEW.claims, '$.email') IS NOT json_extract(OLD.claims, '$.email')
  OR coalesce(json_extract(NEW.claims, '$.email_verified') = 1, 0) <> coalesce(json_extract(OLD.claims, '$.email_verified') = 1, 0)
BEGIN
  DELETE FROM addresses WHERE subject = NEW.subject AND (is_primary = 1 OR address_key =
    CASE WHEN json_extract(NEW.claims, '$.email') GLOB '*[^!-~]*' THEN '?' ELSE '' END || lower(json_extract(NEW.claims, '$.email')));
  INSERT INTO addresses (subject, address_key, address, verified_at, is_primary)
  SELECT NEW.subject, address_key, address, CASE WHEN verified AND NOT EXISTS (
      SELECT 1 FROM addresses o WHERE o.address_key = found.address_key AND o.verified_at IS NOT NULL) THEN NEW.updated_at END, 1
  FROM (
    SELECT json_extract(NEW.claims, '$.email') AS address,
      CASE WHEN json_extract(NEW.claims, '$.email') GLOB '*[^!-~]*' THEN '?' ELSE '' END || lower(json_extract(NEW.claims, '$.email')) AS address_key,
      coalesce(json_extract(NEW.claims, '$.email_verified') = 1, 0) AS verified
    WHERE json_type(NEW.claims, '$.email') = 'text'
  ) AS found
  WHERE address GLOB '?*@?*' AND address NOT GLOB '*[ <>"' || char(9, 10, 13) || ']*' AND length(address) <= 254
  ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
