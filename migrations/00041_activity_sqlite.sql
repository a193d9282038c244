-- +goose Up
-- What happened to accounts: sign-ins, failed sign-ins, and changes of credentials and consents.
CREATE TABLE activity (
  id         TEXT   NOT NULL, -- grows with time, unique within the account
  subject    TEXT   NOT NULL,
  kind       TEXT   NOT NULL,
  at         BIGINT NOT NULL,
  last_at    BIGINT NOT NULL, -- of several failures in one row
  count      BIGINT NOT NULL,
  browser    TEXT   NOT NULL,
  system     TEXT   NOT NULL,
  network    TEXT   NOT NULL,
  detail     TEXT   NOT NULL, -- authentication methods, a client_id, or kind and label of a credential
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (subject, id)
);
CREATE INDEX activity_expires_at ON activity (expires_at);
CREATE INDEX activity_failures ON activity (at) WHERE kind = 'sign_in_failed';

-- Triggers record sign-ins: every statement that begins a session or renews its authentication
-- records one, also those of replicas of the previous version. Sign-ins are kept for 90 days.
-- +goose StatementBegin
CREATE TRIGGER record_sign_in AFTER INSERT ON sessions
BEGIN
  INSERT INTO activity (id, subject, kind, at, last_at, count, browser, system, network, detail, expires_at)
  VALUES (printf('%014x', NEW.auth_time) || substr(NEW.id, 1, 12), NEW.subject, 'signed_in', NEW.auth_time, NEW.auth_time, 1,
    '', '', '', NEW.amr, NEW.auth_time + 7776000000000)
  ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER record_renewed_sign_in AFTER UPDATE OF auth_time ON sessions WHEN NEW.auth_time <> OLD.auth_time
BEGIN
  INSERT INTO activity (id, subject, kind, at, last_at, count, browser, system, network, detail, expires_at)
  VALUES (printf('%014x', NEW.auth_time) || substr(NEW.id, 1, 12), NEW.subject, 'signed_in', NEW.auth_time, NEW.auth_time, 1,
    '', '', '', NEW.amr, NEW.auth_time + 7776000000000)
  ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
