-- +goose Up
-- Sign-ins are recorded with the browser, the system and the network of the session.
--
-- Triggers record sign-ins: every statement that begins a session or renews its authentication
-- records one, also those of replicas of the previous version. Sign-ins are kept for 90 days.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION record_sign_in() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO activity (id, subject, kind, at, last_at, count, browser, system, network, detail, expires_at)
  VALUES (lpad(to_hex(NEW.auth_time), 14, '0') || substr(NEW.id, 1, 12), NEW.subject, 'signed_in', NEW.auth_time, NEW.auth_time, 1,
    NEW.browser, NEW.system, NEW.network, NEW.amr, NEW.auth_time + 7776000000000)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
-- +goose StatementEnd
