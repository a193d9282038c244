-- +goose Up
-- The words by which accounts are found, see account.Account.SearchWords. They replace the indexes
-- of step 45, which replicas of the previous version use.
CREATE TABLE account_words (
  word    TEXT COLLATE "C" NOT NULL,
  title   TEXT COLLATE "C" NOT NULL, -- see account.Account.SearchTitle
  subject TEXT             NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  PRIMARY KEY (word, title, subject)
);
CREATE INDEX account_words_subject ON account_words (subject) INCLUDE (word); -- no search for a word should read it
CREATE INDEX accounts_subject_prefix ON accounts (subject COLLATE "C");

-- The accounts whose words are missing or out of date: the existing ones, and accounts that a replica
-- of the previous version changes. The server writes their words in the background. A writer of
-- words removes the entry, and so has the only one until it commits.
CREATE TABLE stale_words (
  subject TEXT   NOT NULL PRIMARY KEY,
  changes BIGINT NOT NULL
);
INSERT INTO stale_words (subject, changes) SELECT subject, 1 FROM accounts WHERE username NOT LIKE ' %' OR claims NOT IN ('{}', 'null');

-- +goose StatementBegin
CREATE FUNCTION mark_stale_words() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  changed TEXT := CASE WHEN TG_OP = 'DELETE' THEN OLD.subject ELSE NEW.subject END;
BEGIN
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT 1 FROM accounts WHERE subject = changed) THEN
    RETURN NULL;
  END IF;
  INSERT INTO stale_words (subject, changes) VALUES (changed, 1) ON CONFLICT (subject) DO UPDATE SET changes = stale_words.changes + 1;
  RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER words_of_new_account AFTER INSERT ON accounts
FOR EACH ROW WHEN (NEW.username NOT LIKE ' %' OR NEW.claims NOT IN ('{}', 'null')) EXECUTE FUNCTION mark_stale_words();

CREATE TRIGGER words_of_changed_account AFTER UPDATE OF claims ON accounts
FOR EACH ROW WHEN (NEW.claims <> OLD.claims) EXECUTE FUNCTION mark_stale_words();

CREATE TRIGGER words_of_address AFTER INSERT OR UPDATE OF address OR DELETE ON addresses
FOR EACH ROW EXECUTE FUNCTION mark_stale_words();
