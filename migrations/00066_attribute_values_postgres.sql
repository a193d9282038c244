-- +goose Up
-- Which accounts have a value of which attribute, for counts. Triggers keep it: replicas of the
-- previous version write only the column of accounts.
CREATE TABLE attribute_values (
  name    TEXT NOT NULL,
  subject TEXT NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  PRIMARY KEY (name, subject)
);
CREATE INDEX attribute_values_subject ON attribute_values (subject);

INSERT INTO attribute_values (name, subject)
SELECT DISTINCT json_object_keys(CASE WHEN attributes = '' THEN '{}' ELSE attributes END::json), subject FROM accounts;

-- +goose StatementBegin
CREATE FUNCTION change_attribute_values() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM attribute_values WHERE subject = NEW.subject;
  IF NEW.attributes <> '' THEN
    INSERT INTO attribute_values (name, subject) SELECT json_object_keys(NEW.attributes::json), NEW.subject ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER add_attribute_values AFTER INSERT ON accounts
FOR EACH ROW WHEN (NEW.attributes <> '') EXECUTE FUNCTION change_attribute_values();

CREATE TRIGGER change_attribute_values AFTER UPDATE OF attributes ON accounts
FOR EACH ROW WHEN (NEW.attributes <> OLD.attributes) EXECUTE FUNCTION change_attribute_values();
