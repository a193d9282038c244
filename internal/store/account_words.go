package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

const (
	// wordsPerStatement bounds the words that one statement inserts.
	wordsPerStatement = 100
	// staleWordsInterval is the time between two looks for accounts whose words are out of date.
	staleWordsInterval = 10 * time.Second
)

// SearchWords stores the words by which accounts are found.
type SearchWords struct {
	db  *db.DB
	log *slog.Logger
}

// writeWords replaces the words by which accounts are found. It is the last change of the accounts
// in a transaction.
func writeWords(ctx context.Context, on db.Conn, accounts ...*account.Account) error {
	const insert = `INSERT INTO account_words (word, title, subject) VALUES `

	subjects := make([]string, len(accounts))
	var rows [][3]string
	for i, a := range accounts {
		subjects[i] = a.Subject
		title := a.SearchTitle()
		for _, word := range a.SearchWords() {
			rows = append(rows, [3]string{word, title, a.Subject})
		}
	}
	err := inChunks(subjects, func(places string, args []any) error {
		_, err := on.Exec(ctx, `DELETE FROM account_words WHERE subject IN (`+places+`)`, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove words of accounts: %w", err)
	}
	for some := range slices.Chunk(rows, wordsPerStatement) {
		var args []any
		values := make([]string, len(some))
		for i, row := range some {
			values[i] = `(` + placeholders(len(args)+1, 3) + `)`
			args = append(args, row[0], row[1], row[2])
		}
		if _, err := on.Exec(ctx, insert+strings.Join(values, ", "), args...); err != nil {
			return fmt.Errorf("write words of accounts: %w", err)
		}
	}
	err = inChunks(subjects, func(places string, args []any) error {
		_, err := on.Exec(ctx, `DELETE FROM stale_words WHERE subject IN (`+places+`)`, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("write words of accounts: %w", err)
	}
	return nil
}

// changeWords is writeWords for an account whose claims or addresses differ from those before. A
// changed claim or address marks the words as stale, see migration 69.
func changeWords(ctx context.Context, on db.Conn, a, before *account.Account) error {
	claims, err := document(a.Claims)
	if err != nil {
		return fmt.Errorf("write words of account: %w", err)
	}
	previous, err := document(before.Claims)
	if err != nil {
		return fmt.Errorf("write words of account: %w", err)
	}
	if claims == previous && slices.Equal(a.Addresses, before.Addresses) {
		return nil
	}
	return writeWords(ctx, on, a)
}

// writeWordsOf is writeWords for the accounts with some usernames.
func writeWordsOf(ctx context.Context, on db.Conn, known map[string]*account.Account, usernames []string) error {
	accounts := make([]*account.Account, len(usernames))
	for i, username := range usernames {
		accounts[i] = known[username]
	}
	return writeWords(ctx, on, accounts...)
}

// rewriteWords is writeWords for the accounts of subjects, as the transaction sees them.
func rewriteWords(ctx context.Context, on db.Conn, subjects []string) error {
	accounts, err := accountsBySubject(ctx, on, subjects)
	if err != nil {
		return err
	}
	return writeWords(ctx, on, accounts...)
}

// accountsBySubject returns the accounts of subjects that exist, in the order of the subjects.
func accountsBySubject(ctx context.Context, on db.Conn, subjects []string) (list []*account.Account, err error) {
	err = inChunks(subjects, func(places string, args []any) error {
		return on.Query(ctx, func(from db.Scanner) error {
			a, err := scanAccount(from)
			list = append(list, a)
			return err
		}, listAccounts+`WHERE a.subject IN (`+places+`)`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	place := make(map[string]int, len(subjects))
	for i, subject := range subjects {
		place[subject] = i
	}
	slices.SortFunc(list, func(a, b *account.Account) int { return place[a.Subject] - place[b.Subject] })
	return list, nil
}

// RewriteStaleWords writes the words of the accounts whose words are missing or out of date:
// accounts that existed before the step that added words, and accounts that a replica of the
// previous version has changed. It returns their number. A search does not find them before. Other transactions
// proceed between any two batches.
func (s *SearchWords) RewriteStaleWords(ctx context.Context) (rewritten int, err error) {
	// The deleted entry keeps concurrent writers of the same words waiting, see migration 69.
	const claim = `DELETE FROM stale_words WHERE subject IN (SELECT subject FROM stale_words ORDER BY subject` + limit + `) RETURNING subject`

	for {
		var subjects []string
		err := s.db.TxWithin(ctx, db.ImportTimeout, func(c db.Conn) error {
			subjects = subjects[:0]
			err := c.Query(ctx, func(from db.Scanner) error {
				var subject string
				err := from.Scan(&subject)
				subjects = append(subjects, subject)
				return err
			}, claim)
			if err != nil {
				return fmt.Errorf("find accounts with stale words: %w", err)
			}
			return rewriteWords(ctx, c, subjects)
		})
		switch {
		case s.db.Engine.IsForeignKeyViolation(err): // an account was deleted in the meantime
			continue
		case err != nil:
			return rewritten, err
		}
		rewritten += len(subjects)
		if err := pauseAfterBatch(ctx, int64(len(subjects))); err != nil || len(subjects) < batchSize {
			return rewritten, err
		}
	}
}

// RunSearchWords calls RewriteStaleWords every ten seconds until ctx ends.
func (s *SearchWords) RunSearchWords(ctx context.Context) {
	for {
		rewritten, err := s.RewriteStaleWords(ctx)
		switch {
		case errors.Is(err, context.Canceled):
			return
		case err != nil:
			s.log.LogAttrs(ctx, slog.LevelError, "words of accounts were not written; the next attempt follows", slog.Any("error", err))
		case rewritten > 0:
			s.log.LogAttrs(ctx, slog.LevelInfo, "the search finds accounts that an earlier version wrote", slog.Int("accounts", rewritten))
		}
		if db.Sleep(ctx, staleWordsInterval) != nil {
			return
		}
	}
}
