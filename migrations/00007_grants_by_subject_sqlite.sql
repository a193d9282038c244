-- +goose Up
-- No statement looks for a subject's grants by their client too.
CREATE INDEX grants_by_subject ON grants (subject);
DROP INDEX grants_subject;
