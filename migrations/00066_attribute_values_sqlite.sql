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
SELECT DISTINCT v.key, a.subject FROM accounts a, json_each(CASE WHEN a.attributes = '' THEN '{}' ELSE a.attributes END) v;

-- +goose StatementBegin
CREATE TRIGGER add_attribute_values AFTER INSERT ON accounts WHEN NEW.attributes <> ''
BEGIN
  INSERT INTO attribute_values (name, subject) SELECT key, NEW.subject FROM json_each(NEW.attributes) WHERE true ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER change_attribute_values AFTER UPDATE OF attributes ON accounts WHEN NEW.attributes <> OLD.attributes
BEGIN
  DELETE FROM attribute_values WHERE subject = NEW.subject;
  INSERT INTO attribute_values (name, subject)
  SELECT key, NEW.subject FROM json_each(CASE WHEN NEW.attributes = '' THEN '{}' ELSE NEW.attributes END) WHERE true ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
