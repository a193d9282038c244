-- +goose Up
-- The words by which accounts are found, see account.Account.SearchWords. They replace the indexes
-- of step 45, which a process of the previous version uses.
CREATE TABLE account_words (
  word    TEXT NOT NULL,
  title   TEXT NOT NULL, -- see account.Account.SearchTitle
  subject TEXT NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  PRIMARY KEY (word, title, subject)
) WITHOUT ROWID;
CREATE INDEX account_words_subject ON account_words (subject, word);

-- The accounts whose words are missing or out of date: the existing ones, and accounts that a process
-- of the previous version changes. The server writes their words in the background. A writer of
-- words removes the entry.
CREATE TABLE stale_words (
  subject TEXT   NOT NULL PRIMARY KEY,
  changes BIGINT NOT NULL
);
INSERT INTO stale_words (subject, changes) SELECT subject, 1 FROM accounts WHERE username NOT LIKE ' %' OR claims NOT IN ('{}', 'null');

-- +goose StatementBegin
CREATE TRIGGER words_of_new_account AFTER INSERT ON accounts
WHEN NEW.username NOT LIKE ' %' OR NEW.claims NOT IN ('{}', 'null')
BEGIN
  INSERT INTO stale_words (subject, changes) VALUES (NEW.subject, 1) ON CONFLICT (subject) DO UPDATE SET changes = changes + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER words_of_changed_account AFTER UPDATE OF claims ON accounts WHEN NEW.claims <> OLD.claims
BEGIN
  INSERT INTO stale_words (subject, changes) VALUES (NEW.subject, 1) ON CONFLICT (subject) DO UPDATE SET changes = changes + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER words_of_new_address AFTER INSERT ON addresses
BEGIN
  INSERT INTO stale_words (subject, changes) VALUES (NEW.subject, 1) ON CONFLICT (subject) DO UPDATE SET changes = changes + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER words_of_changed_address AFTER UPDATE OF address ON addresses
BEGIN
  INSERT INTO stale_words (subject, changes) VALUES (NEW.subject, 1) ON CONFLICT (subject) DO UPDATE SET changes = changes + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER words_of_deleted_address AFTER DELETE ON addresses
WHEN EXISTS (SELECT 1 FROM accounts WHERE subject = OLD.subject)
BEGIN
  INSERT INTO stale_words (subject, changes) VALUES (OLD.subject, 1) ON CONFLICT (subject) DO UPDATE SET changes = changes + 1;
END;
-- +goose StatementEnd
