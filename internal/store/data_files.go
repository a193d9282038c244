package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/store/db"
)

// DataFiles stores the files of accounts with everything that is stored about them.
type DataFiles struct{ db *db.DB }

// RequestDataFile requests a file of an account, in place of an earlier or expired file. It does
// nothing while a file is being made. It returns [datafile.ErrTooMany] if there are most files in
// all, and for an account that is disabled or unknown [datafile.ErrNotFound].
func (s *DataFiles) RequestDataFile(ctx context.Context, subject string, now time.Time, most int) error {
	const request = `
		INSERT INTO data_files (subject, requested_at, due_at, attempts, expires_at)
		SELECT subject, $2, $2, 0, $3 FROM accounts
		WHERE subject = $1 AND disabled_at IS NULL AND (SELECT count(*) FROM data_files WHERE subject <> $1) < $4
		ON CONFLICT (subject) DO UPDATE SET requested_at = excluded.requested_at, due_at = excluded.due_at, attempts = 0,
			content = NULL, made_at = NULL, expires_at = excluded.expires_at
		WHERE data_files.content IS NOT NULL OR data_files.expires_at <= excluded.requested_at`
	const why = `
		SELECT (SELECT count(*) FROM data_files WHERE subject = $1), (SELECT count(*) FROM accounts WHERE subject = $1 AND disabled_at IS NULL)`

	return s.db.Tx(ctx, func(c db.Conn) error {
		requested, err := c.Exec(ctx, request, subject, now.UnixMicro(), now.Add(datafile.Lifetime).UnixMicro(), most)
		if err != nil {
			return fmt.Errorf("request data file: %w", err)
		}
		if requested > 0 {
			return recordActivity(ctx, c, activity.New(activity.DataRequested, subject, "", now))
		}
		var files, accounts int64
		if err := c.QueryRow(ctx, why, subject).Scan(&files, &accounts); err != nil {
			return fmt.Errorf("look for data file: %w", err)
		}
		switch {
		case accounts == 0:
			return datafile.ErrNotFound
		case files == 0:
			return datafile.ErrTooMany
		default:
			return nil
		}
	})
}

// DataFile returns the file of an account, or the request for one. It returns
// [datafile.ErrNotFound] if there is none, or it has expired.
func (s *DataFiles) DataFile(ctx context.Context, subject string, now time.Time) (*datafile.File, error) {
	const read = `SELECT requested_at, attempts, made_at, expires_at FROM data_files WHERE subject = $1 AND expires_at > $2`

	f := &datafile.File{Subject: subject}
	err := s.db.Read.QueryRow(ctx, read, subject, now.UnixMicro()).
		Scan(intoTime(&f.RequestedAt), &f.Attempts, intoTime(&f.MadeAt), intoTime(&f.ExpiresAt))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, datafile.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read data file: %w", err)
	}
	return f, nil
}

// DataFileContent returns the sealed content of the file of an account. It returns
// [datafile.ErrNotFound] if none was made, or it has expired.
func (s *DataFiles) DataFileContent(ctx context.Context, subject string, now time.Time) (content []byte, err error) {
	const read = `SELECT content FROM data_files WHERE subject = $1 AND expires_at > $2 AND content IS NOT NULL`

	err = s.db.LongRead.QueryRow(ctx, read, subject, now.UnixMicro()).Scan(intoBytes(&content))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, datafile.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read content of data file: %w", err)
	}
	return content, nil
}

// ClaimDataFile returns the next file to make, counts the attempt, and hides the file from other
// callers until lease. Of concurrent callers one gets it. It returns [datafile.ErrNotFound] if
// none is due, or if another caller got it.
func (s *DataFiles) ClaimDataFile(ctx context.Context, now, lease time.Time) (*datafile.File, error) {
	const due = `content IS NULL AND due_at <= $1 AND expires_at > $1`
	const claim = `
		UPDATE data_files SET due_at = $2, attempts = attempts + 1
		WHERE ` + due + ` AND subject IN (SELECT subject FROM data_files WHERE ` + due + ` ORDER BY due_at LIMIT 1)
		RETURNING subject, requested_at, attempts, expires_at`

	f := &datafile.File{}
	err := s.db.LongWrite.QueryRow(ctx, claim, now.UnixMicro(), lease.UnixMicro()).
		Scan(&f.Subject, intoTime(&f.RequestedAt), &f.Attempts, intoTime(&f.ExpiresAt))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, datafile.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("claim data file: %w", err)
	}
	return f, nil
}

// SaveDataFile stores the content of a claimed file. It does nothing if the file was claimed or
// requested again since, or has been removed with the sessions of its account.
func (s *DataFiles) SaveDataFile(ctx context.Context, f *datafile.File, content []byte) error {
	const save = `
		UPDATE data_files SET content = $4, made_at = $5, expires_at = $6
		WHERE subject = $1 AND requested_at = $2 AND attempts = $3 AND content IS NULL`

	_, err := s.db.LongWrite.Exec(ctx, save, f.Subject, stamp(f.RequestedAt), f.Attempts, content, stamp(f.MadeAt), stamp(f.ExpiresAt))
	if err != nil {
		return fmt.Errorf("save data file: %w", err)
	}
	return nil
}

// removeDataFile removes the file of an account whose sessions end.
func removeDataFile(ctx context.Context, on db.Conn, subject string) error {
	if _, err := on.Exec(ctx, `DELETE FROM data_files WHERE subject = $1`, subject); err != nil {
		return fmt.Errorf("remove data file: %w", err)
	}
	return nil
}
