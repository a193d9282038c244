-- +goose Up
-- The role of an owner is administrator = 1, which replicas of the previous version read and
-- write; admin_role has the other roles.
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
    SELECT subject, created_at, claims::json ->> 'email' AS address,
      CASE WHEN claims::json ->> 'email' ~ '[^!-~]' THEN '?' ELSE '' END || lower(claims::json ->> 'email') AS address_key,
      coalesce(claims::json ->> 'email_verified' = 'true', FALSE) AS verified
    FROM accounts WHERE claims LIKE '%"email"%'
  ) AS of_claims
  WHERE address ~ '^[^[:space:]<>"]+@[^[:space:]<>"@]+$' AND length(address) <= 254
) AS ranked;

-- Replicas of the previous version write the claim alone, while they are replaced. This
-- trigger changes the primary address in the same statement. The step that ends the
-- support of that version drops it.
-- +goose StatementBegin
CREATE FUNCTION copy_email() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  email    TEXT := NEW.claims::json ->> 'email';
  verified BOOLEAN := coalesce(NEW.claims::json ->> 'email_verified' = 'true', FALSE);
  new_key  TEXT := CASE WHEN email ~ '[^!-~]' THEN '?' ELSE '' END || lower(email);
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.claims::json ->> 'email' IS NOT DISTINCT FROM email
    AND coalesce(OLD.claims::json ->> 'email_verified' = 'true', FALSE) = verified THEN
    RETURN NULL;
  END IF;
  DELETE FROM addresses WHERE subject = NEW.subject AND (is_primary = 1 OR address_key = new_key);
  IF email ~ '^[^[:space:]<>"]+@[^[:space:]<>"@]+$' AND length(email) <= 254 THEN
    INSERT INTO addresses (subject, address_key, address, verified_at, is_primary)
    SELECT NEW.subject, new_key, email, CASE WHEN verified AND NOT EXISTS (
      SELECT 1 FROM addresses o WHERE o.address_key = new_key AND o.verified_at IS NOT NULL) THEN NEW.updated_at END, 1
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER copy_new_email AFTER INSERT ON accounts
FOR EACH ROW WHEN (NEW.claims LIKE '%"email"%') EXECUTE FUNCTION copy_email();

CREATE TRIGGER copy_changed_email AFTER UPDATE OF claims ON accounts
FOR EACH ROW WHEN (NEW.claims <> OLD.claims) EXECUTE FUNCTION copy_email();
