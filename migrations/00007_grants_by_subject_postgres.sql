-- +goose NO TRANSACTION
-- +goose Up
-- No statement looks for a subject's grants by their client too, and an index without
-- it is less than half as large. It is created partition by partition, so that statements
-- wait for one at most. If a lock is not available the step fails rather than block other
-- statements; running it again continues where it ended.
SET lock_timeout = '2s';

CREATE INDEX IF NOT EXISTS grants_by_subject ON ONLY grants (subject);

-- +goose StatementBegin
DO $$
DECLARE
  partition TEXT;
BEGIN
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'grants'::regclass
      AND NOT EXISTS (SELECT 1 FROM pg_index x JOIN pg_inherits h ON h.inhrelid = x.indexrelid
        WHERE x.indrelid = c.oid AND h.inhparent = 'grants_by_subject'::regclass)
  LOOP
    EXECUTE format('CREATE INDEX %I ON %I (subject)', partition || '_subject_idx', partition);
    EXECUTE format('ALTER INDEX grants_by_subject ATTACH PARTITION %I', partition || '_subject_idx');
    COMMIT;
  END LOOP;
END $$;
-- +goose StatementEnd

DROP INDEX IF EXISTS grants_subject;
