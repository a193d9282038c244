-- +goose Up
-- The credentials of accounts, one row each. A password has the ID password, since an account
-- has at most one.
CREATE TABLE credentials (
  subject      TEXT   NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  id           TEXT   NOT NULL, -- unique within the account
  kind         TEXT   NOT NULL, -- password
  secret       TEXT   NOT NULL, -- of a password: its hash
  renewed_from BYTEA,           -- SHA-256 of the imported hash that the server has replaced by secret
  label        TEXT   NOT NULL,
  created_at   BIGINT NOT NULL,
  last_used_at BIGINT,
  PRIMARY KEY (subject, id)
);

-- Replicas of the previous version read and write accounts.password_hash while they are
-- replaced, so passwords are written there, and this trigger copies them in the same statement.
-- The step that drops the column drops the trigger. It runs with the rights of the owner:
-- the serving role may not have access to the new table yet.
-- +goose StatementBegin
CREATE FUNCTION copy_password() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.password_hash = '' THEN
    DELETE FROM credentials WHERE subject = NEW.subject AND id = 'password';
  ELSE
    INSERT INTO credentials (subject, id, kind, secret, renewed_from, label, created_at)
    VALUES (NEW.subject, 'password', 'password', NEW.password_hash, NEW.renewed_from, '', NEW.updated_at)
    ON CONFLICT (subject, id) DO UPDATE SET secret = excluded.secret, renewed_from = excluded.renewed_from,
      created_at = CASE WHEN excluded.renewed_from IS NULL THEN excluded.created_at ELSE credentials.created_at END;
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER copy_new_password AFTER INSERT ON accounts
FOR EACH ROW WHEN (NEW.password_hash <> '') EXECUTE FUNCTION copy_password();

CREATE TRIGGER copy_changed_password AFTER UPDATE OF password_hash, renewed_from ON accounts
FOR EACH ROW WHEN (NEW.password_hash <> OLD.password_hash OR NEW.renewed_from IS DISTINCT FROM OLD.renewed_from)
EXECUTE FUNCTION copy_password();

INSERT INTO credentials (subject, id, kind, secret, renewed_from, label, created_at)
SELECT subject, 'password', 'password', password_hash, renewed_from, '', created_at FROM accounts WHERE password_hash <> '';
