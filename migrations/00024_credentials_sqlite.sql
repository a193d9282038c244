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

-- A process of the previous version reads and writes accounts.password_hash until it is
-- replaced, so passwords are written there, and these triggers copy them in the same statement.
-- The step that drops the column drops the triggers.
-- +goose StatementBegin
CREATE TRIGGER copy_new_password AFTER INSERT ON accounts WHEN NEW.password_hash <> ''
BEGIN
  INSERT INTO credentials (subject, id, kind, secret, renewed_from, label, created_at)
  VALUES (NEW.subject, 'password', 'password', NEW.password_hash, NEW.renewed_from, '', NEW.updated_at);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER copy_changed_password AFTER UPDATE OF password_hash, renewed_from ON accounts
WHEN NEW.password_hash <> OLD.password_hash OR NEW.renewed_from IS NOT OLD.renewed_from
BEGIN
  DELETE FROM credentials WHERE NEW.password_hash = '' AND subject = NEW.subject AND id = 'password';
  INSERT INTO credentials (subject, id, kind, secret, renewed_from, label, created_at)
  SELECT NEW.subject, 'password', 'password', NEW.password_hash, NEW.renewed_from, '', NEW.updated_at WHERE NEW.password_hash <> ''
  ON CONFLICT (subject, id) DO UPDATE SET secret = excluded.secret, renewed_from = excluded.renewed_from,
    created_at = CASE WHEN excluded.renewed_from IS NULL THEN excluded.created_at ELSE credentials.created_at END;
END;
-- +goose StatementEnd

INSERT INTO credentials (subject, id, kind, secret, renewed_from, label, created_at)
SELECT subject, 'password', 'password', password_hash, renewed_from, '', created_at FROM accounts WHERE password_hash <> '';
