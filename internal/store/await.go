package store

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// awaitPause is the time between two attempts of [Store.AwaitDatabase].
const awaitPause = 250 * time.Millisecond

// AwaitDatabase returns when the database answers. Requests wait a second for a connection; a
// server that starts waits up to the time within, since the database may start too, or its first
// connection take longer. AwaitDatabase returns the last error, immediately if the database
// rejects the connection.
func (s *Store) AwaitDatabase(ctx context.Context, within time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for told := false; ; told = true {
		var one int64
		err := s.db.LongRead.QueryRow(ctx, `SELECT 1`).Scan(&one)
		if err == nil || isRejection(err) {
			return err
		}
		if !told {
			s.log.LogAttrs(ctx, slog.LevelWarn, "waiting for the database", slog.Float64("timeout_seconds", within.Seconds()), slog.Any("error", err))
		}
		if db.Sleep(waiting, awaitPause) != nil {
			return err
		}
	}
}

// isRejection reports an answer of PostgreSQL that waiting does not change. It starts up with
// 57P03, and has too many connections with a code of class 53.
func isRejection(err error) bool {
	var answer interface{ SQLState() string }
	return errors.As(err, &answer) && answer.SQLState() != "57P03" && !strings.HasPrefix(answer.SQLState(), "53")
}
