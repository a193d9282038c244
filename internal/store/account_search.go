package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// frequentMatches is the number of matches from which a search reads accounts in the order of
// usernames until it has enough, instead of sorting all matches.
const frequentMatches = 20_000

// SearchAccounts returns up to limit accounts that match f in the order of usernames, starting
// after the username after.
func (s *Accounts) SearchAccounts(ctx context.Context, f account.Filter, after string, limit int) ([]*account.Account, error) {
	return searchAccounts(ctx, s.db, f, after, limit, frequentMatches)
}

// searchAccounts is SearchAccounts with the number from which matches are frequent.
func searchAccounts(ctx context.Context, d *db.DB, f account.Filter, after string, limit, frequentMatches int) (list []*account.Account, err error) {
	read, args := `WHERE a.username > $1`, []any{after, limit}
	if f.Group != "" {
		args = append(args, f.Group)
		read += fmt.Sprintf(` AND a.subject IN (SELECT m.subject FROM memberships m WHERE m.group_name = $%d)`, len(args))
	}
	if f.Prefix != "" {
		terms := prefixTerms(d.Engine.Name(), f.Prefix)
		frequent, err := isFrequent(ctx, d, terms, frequentMatches)
		if err != nil {
			return nil, err
		}
		var condition string
		if frequent {
			condition, args = eachMatches(terms, args)
		} else {
			condition, args = oneOfMatches(terms, args)
		}
		read += ` AND ` + condition
	}

	// The usernames are chosen first, so that only the accounts on the page are read whole.
	err = d.LongRead.Query(ctx, func(from db.Scanner) error {
		a, err := scanAccount(from)
		list = append(list, a)
		return err
	}, listAccounts+`WHERE a.username IN (SELECT a.username FROM accounts a `+read+` ORDER BY a.username LIMIT $2) ORDER BY a.username`, args...)
	if err != nil {
		return nil, fmt.Errorf("search accounts: %w", err)
	}
	return list, nil
}

// isFrequent reports whether the terms have more matches than atMost.
func isFrequent(ctx context.Context, d *db.DB, terms []prefixTerm, atMost int) (bool, error) {
	matches, args := matchesOf(terms, nil)
	var count int64
	err := d.LongRead.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 FROM (%s) m LIMIT %d) n`, matches, atMost+1), args...).Scan(&count)
	if err != nil {
		return false, fmt.Errorf("count matching accounts: %w", err)
	}
	return count > int64(atMost), nil
}

// oneOfMatches returns the condition that an account is one of the matches, which their indexes
// find.
func oneOfMatches(terms []prefixTerm, args []any) (string, []any) {
	matches, args := matchesOf(terms, args)
	return `a.subject IN (` + matches + `)`, args
}

// matchesOf returns a query for the subjects that the terms match, some twice.
func matchesOf(terms []prefixTerm, args []any) (string, []any) {
	var found []string
	for _, term := range terms {
		var condition string
		condition, args = term.condition(args)
		found = append(found, `SELECT subject FROM `+term.table+` WHERE `+condition)
	}
	return strings.Join(found, ` UNION ALL `), args
}

// eachMatches returns the condition that the terms match an account, for accounts that are read in
// the order of usernames. The CASE keeps both engines from using the indexes of the terms.
func eachMatches(terms []prefixTerm, args []any) (string, []any) {
	var matches []string
	for _, term := range terms {
		var condition string
		condition, args = term.condition(args)
		if term.table != `accounts` {
			condition = `EXISTS (SELECT 1 FROM ` + term.table + ` t WHERE t.subject = a.subject AND ` + condition + `)`
		}
		matches = append(matches, condition)
	}
	return `CASE WHEN ` + strings.Join(matches, ` OR `) + ` THEN 1 ELSE 0 END = 1`, args
}

// lastRune follows all texts with the same prefix, in the order of their bytes.
const lastRune = "\U0010FFFF"

// prefixTerm is a condition on the beginning of a column.
type prefixTerm struct{ table, column, prefix string }

// condition returns the condition, with its values appended to args.
func (t prefixTerm) condition(args []any) (string, []any) {
	args = append(args, t.prefix, t.prefix+lastRune)
	return fmt.Sprintf(`%s >= $%d AND %[1]s < $%[3]d`, t.column, len(args)-1, len(args)), args
}

// prefixTerms returns the conditions of which an account that a prefix finds fulfils one. Their
// expressions are those of the indexes of migration 45.
func prefixTerms(engine, prefix string) []prefixTerm {
	byBytes, claim := ``, `json_extract(claims, '$.%s')`
	if engine == "postgres" {
		byBytes, claim = ` COLLATE "C"`, `(claims::json ->> '%s') COLLATE "C"`
	}
	terms := []prefixTerm{
		{`accounts`, `username` + byBytes, account.UsernamePrefix(prefix)},
		{`addresses`, `address_key` + byBytes, account.AddressPrefix(prefix)},
	}
	for _, claimed := range []string{"name", "given_name", "family_name"} {
		column := `substr(lower(` + fmt.Sprintf(claim, claimed) + `), 1, 100)`
		for _, spelling := range account.NamePrefixes(prefix) {
			terms = append(terms, prefixTerm{`accounts`, column, spelling})
		}
	}
	return terms
}
