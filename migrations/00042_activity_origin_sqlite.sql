-- +goose Up
-- Sign-ins are recorded with the browser, the system and the network of the session.
--
-- Triggers record sign-ins: every statement that begins a session or renews its authentication
-- records one, also those of replicas of the previous version. Sign-ins are kept for 90 days.
DROP TRIGGER record_sign_in;
DROP TRIGGER record_renewed_sign_in;

-- +goose StatementBegin
CREATE TRIGGER record_sign_in AFTER INSERT ON sessions
BEGIN
  INSERT INTO activity (id, subject, kind, at, last_at, count, browser, system, network, detail, expires_at)
  VALUES (printf('%014x', NEW.auth_time) || substr(NEW.id, 1, 12), NEW.subject, 'signed_in', NEW.auth_time, NEW.auth_time, 1,
    NEW.browser, NEW.system, NEW.network, NEW.amr, NEW.auth_time + 7776000000000)
  ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER record_renewed_sign_in AFTER UPDATE OF auth_time ON sessions WHEN NEW.auth_time <> OLD.auth_time
BEGIN
  INSERT INTO activity (id, subject, kind, at, last_at, count, browser, system, network, detail, expires_at)
  VALUES (printf('%014x', NEW.auth_time) || substr(NEW.id, 1, 12), NEW.subject, 'signed_in', NEW.auth_time, NEW.auth_time, 1,
    NEW.browser, NEW.system, NEW.network, NEW.amr, NEW.auth_time + 7776000000000)
  ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
