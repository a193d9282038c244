package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// SearchAccounts returns up to limit accounts that match f in the order of usernames, starting
// after the username after.
func (s *Accounts) SearchAccounts(ctx context.Context, f account.Filter, after string, limit int) (list []*account.Account, err error) {
	read, args := `WHERE a.username > $1`, []any{after, limit}
	if f.Group != "" {
		args = append(args, f.Group)
		read += fmt.Sprintf(` AND a.subject IN (SELECT m.subject FROM memberships m WHERE m.group_name = $%d)`, len(args))
	}
	if f.Prefix != "" {
		var found []string
		for _, term := range prefixTerms(s.db.Engine.Name(), f.Prefix) {
			args = append(args, term.prefix, term.prefix+lastRune)
			found = append(found, fmt.Sprintf(`SELECT subject FROM %s WHERE %s >= $%d AND %[2]s < $%[4]d`, term.table, term.column, len(args)-1, len(args)))
		}
		read += ` AND a.subject IN (` + strings.Join(found, ` UNION ALL `) + `)`
	}

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		a, err := scanAccount(from)
		list = append(list, a)
		return err
	}, listAccounts+read+` ORDER BY a.username LIMIT $2`, args...)
	if err != nil {
		return nil, fmt.Errorf("search accounts: %w", err)
	}
	return list, nil
}

// lastRune follows all texts with the same prefix, in the order of their bytes.
const lastRune = "\U0010FFFF"

// prefixTerm is a condition on the beginning of a column.
type prefixTerm struct{ table, column, prefix string }

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
