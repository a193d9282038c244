package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// searchBounds bound what a search reads.
type searchBounds struct {
	// counted is the number up to which the accounts with a word and the members of a group are
	// counted, to begin with the fewest.
	counted int
	// read is the number of accounts with a frequent word that are examined for a page.
	read int
}

func defaultSearchBounds() searchBounds { return searchBounds{counted: 1500, read: 2500} }

// SearchAccounts returns up to limit accounts that match f, and the position from which the next
// page continues, empty if no further account matches. The first page begins at the empty
// position. Without a text the accounts are in the order of usernames. With one they are in the
// order of the word that matches the rarest word of the text, then of names. If the words of the
// text are frequent, but rarely occur together, a page has fewer accounts and the next position.
func (s *Accounts) SearchAccounts(ctx context.Context, f account.Filter, after string, limit int) (list []*account.Account, next string, err error) {
	return searchAccounts(ctx, s.db, defaultSearchBounds(), f, after, limit)
}

// searchAccounts is SearchAccounts with other bounds.
func searchAccounts(
	ctx context.Context, d *db.DB, bounds searchBounds, f account.Filter, after string, limit int,
) (list []*account.Account, next string, err error) {
	s := &accountSearch{searchBounds: bounds, on: d.LongRead, engine: d.Engine.Name(), Filter: f, terms: account.SearchTerms(f.Text), limit: limit}
	var subjects []string
	if strings.TrimSpace(f.Text) == "" {
		subjects, next, err = s.byUsername(ctx, after)
	} else {
		subjects, next, err = s.byText(ctx, after)
	}
	if err == nil {
		list, err = accountsBySubject(ctx, d.LongRead, subjects)
	}
	if err != nil {
		return nil, "", fmt.Errorf("search accounts: %w", err)
	}
	return list, next, nil
}

// accountSearch is a search for accounts. PostgreSQL reads in the order of an index, and not more
// than a page needs, only if it expects many rows. So the statements compare rows for the beginning
// of a range, and have subqueries with count instead of EXISTS, which it would join.
type accountSearch struct {
	searchBounds
	account.Filter

	on     db.Conn
	engine string
	terms  []string // each of which must match
	limit  int
}

// lastRune follows all texts with the same prefix, in the order of their bytes.
const lastRune = "\U0010FFFF"

// ofSubject is a word in the subqueries for the words of one account: an expression, since the index
// of words would read those of all accounts.
const ofSubject = `(f.word || '')`

// prefixed returns the condition that a column begins with prefix.
func prefixed(column, prefix string, args *arguments) string {
	return column + ` >= ` + args.add(prefix) + ` AND ` + column + ` < ` + args.add(prefix+lastRune)
}

// isMember returns the condition that the subject in a column is a member of the group, if the
// search has one.
func (s *accountSearch) isMember(column string, args *arguments) string {
	if s.Group == "" {
		return ``
	}
	return ` AND (SELECT count(*) FROM memberships m WHERE m.subject = ` + column + ` AND m.group_name = ` + args.add(s.Group) + `) > 0`
}

// count returns the number of rows of an ordered statement, at most one more than the bound.
func (s *accountSearch) count(ctx context.Context, statement string, args arguments) (n int, err error) {
	var count int64
	err = s.on.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (%s LIMIT %d) n`, statement, s.counted+1), args...).Scan(&count)
	return int(count), err
}

func (s *accountSearch) countMembers(ctx context.Context) (int, error) {
	return s.count(ctx, `SELECT 1 FROM memberships WHERE (group_name, subject) >= ($1, '') AND group_name <= $1 ORDER BY group_name, subject`, arguments{s.Group})
}

// subjects reads subjects, each with the columns of its position.
func (s *accountSearch) subjects(ctx context.Context, statement string, args arguments) (subjects []string, last position, err error) {
	err = s.on.Query(ctx, func(from db.Scanner) error {
		var subject string
		err := from.Scan(&last.word, &last.title, &subject)
		last.subject = subject
		subjects = append(subjects, subject)
		return err
	}, statement+` LIMIT `+strconv.Itoa(s.limit), args...)
	return subjects, last, err
}

// skip reads the row of an ordered statement at which a page ends that examines no more rows than
// the bound. It returns false if there is none.
func (s *accountSearch) skip(ctx context.Context, statement string, args arguments, into ...any) (bool, error) {
	err := s.on.QueryRow(ctx, fmt.Sprintf(`%s LIMIT 1 OFFSET %d`, statement, s.read-1), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// byUsername returns the members of the group, or all accounts, in the order of usernames.
func (s *accountSearch) byUsername(ctx context.Context, after string) (subjects []string, next string, err error) {
	var args arguments
	from := `accounts a WHERE a.username > ` + args.add(after)
	if s.Group != "" {
		members, err := s.countMembers(ctx)
		if err != nil {
			return nil, "", err
		}
		if members > s.counted {
			isEnd, err := s.skip(ctx, `SELECT a.username FROM `+from+` ORDER BY a.username`, args, &next)
			if err != nil {
				return nil, "", err
			}
			if isEnd {
				from += ` AND a.username <= ` + args.add(next)
			}
			from += s.isMember(`a.subject`, &args)
		} else {
			from = `(SELECT m.subject, (SELECT u.username FROM accounts u WHERE u.subject = m.subject) AS username FROM memberships m
				WHERE m.group_name = ` + args.add(s.Group) + `) a WHERE a.username > $1`
		}
	}
	subjects, last, err := s.subjects(ctx, `SELECT a.username, '', a.subject FROM `+from+` ORDER BY a.username`, args)
	if len(subjects) == s.limit {
		next = last.word
	}
	return subjects, next, err
}

// position is the place of an account in the results of a search for a text.
type position struct {
	from                 string // the source that the search reads: the number of a term, or one of the constants
	word, title, subject string
}

const (
	fromMembers  = "members"
	fromSubjects = "subjects"

	positionSeparator = "\x1f"
)

func (p position) String() string {
	return strings.Join([]string{p.from, p.word, p.title, p.subject}, positionSeparator)
}

// parsePosition returns the position of a text. An invalid text is some position.
func parsePosition(text string) position {
	parts := append(strings.SplitN(text, positionSeparator, 4), "", "", "", "")
	return position{parts[0], parts[1], parts[2], parts[3]}
}

// byText returns the accounts that the text finds.
func (s *accountSearch) byText(ctx context.Context, after string) (subjects []string, next string, err error) {
	at := parsePosition(after)
	if len(s.terms) > 0 && at.from != fromSubjects {
		subjects, next, err = s.byWords(ctx, at)
	}
	if err != nil || len(subjects) > 0 || next != "" || after != "" && at.from != fromSubjects {
		return subjects, next, err
	}
	return s.bySubject(ctx, at)
}

// bySubject returns the accounts whose subject begins with the text.
func (s *accountSearch) bySubject(ctx context.Context, at position) (subjects []string, next string, err error) {
	column := `a.subject`
	if s.engine == "postgres" {
		column += ` COLLATE "C"`
	}
	var args arguments
	statement := `SELECT '', '', a.subject FROM accounts a WHERE ` + prefixed(column, strings.TrimSpace(s.Text), &args) +
		` AND ` + column + ` > ` + args.add(at.subject) + s.isMember(`a.subject`, &args) + ` ORDER BY ` + column
	subjects, last, err := s.subjects(ctx, statement, args)
	if len(subjects) == s.limit {
		last.from = fromSubjects
		next = last.String()
	}
	return subjects, next, err
}

// byWords returns the accounts that have a word for each term.
func (s *accountSearch) byWords(ctx context.Context, at position) (subjects []string, next string, err error) {
	from, isFrequent, err := s.rarest(ctx, at.from)
	if err != nil {
		return nil, "", err
	}
	var args arguments
	var source string
	driver := 0
	if from == fromMembers {
		source = `(SELECT m.subject,
				(SELECT min(` + ofSubject + `) FROM account_words f WHERE f.subject = m.subject AND ` + prefixed(ofSubject, s.terms[0], &args) + `) AS word,
				(SELECT min(f.title || '') FROM account_words f WHERE f.subject = m.subject) AS title
			FROM memberships m WHERE m.group_name = ` + args.add(s.Group) + `) w WHERE w.word IS NOT NULL`
	} else {
		driver, _ = strconv.Atoi(from)
		term := s.terms[driver]
		if at.word < term {
			at = position{word: term}
		}
		source = `account_words w WHERE w.word < ` + args.add(term+lastRune)
	}
	source += ` AND (w.word, w.title, w.subject) > (` + args.add(at.word) + `, ` + args.add(at.title) + `, ` + args.add(at.subject) + `)`

	var end position
	isEnd := false
	if isFrequent {
		isEnd, err = s.skip(ctx, `SELECT w.word, w.title, w.subject FROM `+source+` ORDER BY w.word, w.title, w.subject`, args, &end.word, &end.title, &end.subject)
		if err != nil {
			return nil, "", err
		}
	}
	if isEnd {
		source += ` AND (w.word, w.title, w.subject) <= (` + args.add(end.word) + `, ` + args.add(end.title) + `, ` + args.add(end.subject) + `)`
	}
	var checks strings.Builder
	if from != fromMembers {
		// The account counts once, with the first of its words that the term matches.
		checks.WriteString(` AND (SELECT count(*) FROM account_words f WHERE f.subject = w.subject AND ` + ofSubject + ` < w.word AND ` + ofSubject + ` >= ` +
			args.add(s.terms[driver]) + `) < 1` + s.isMember(`w.subject`, &args))
	}
	for i, term := range s.terms {
		if i != driver {
			checks.WriteString(` AND (SELECT count(*) FROM account_words f WHERE f.subject = w.subject AND ` + prefixed(ofSubject, term, &args) + `) > 0`)
		}
	}
	subjects, last, err := s.subjects(ctx, `SELECT w.word, w.title, w.subject FROM `+source+checks.String()+` ORDER BY w.word, w.title, w.subject`, args)
	switch {
	case len(subjects) == s.limit:
		last.from = from
		next = last.String()
	case isEnd:
		end.from = from
		next = end.String()
	}
	return subjects, next, err
}

// rarest returns what the search reads: the term that the fewest accounts match, or the members of
// the group; on a later page what the first one has read. It reports whether that is frequent and
// has to be compared with something else.
func (s *accountSearch) rarest(ctx context.Context, before string) (from string, isFrequent bool, err error) {
	if len(s.terms) == 1 && s.Group == "" {
		return "0", false, nil
	}
	fewest := s.counted + 2
	if s.Group != "" && (before == "" || before == fromMembers) {
		members, err := s.countMembers(ctx)
		if err != nil {
			return "", false, err
		}
		if members <= s.limit {
			return fromMembers, false, nil
		}
		if members <= s.counted || before == fromMembers {
			from, fewest = fromMembers, members
		}
	}
	for i, term := range s.terms {
		if before != "" && before != strconv.Itoa(i) {
			continue
		}
		n, err := s.count(ctx, `SELECT 1 FROM account_words WHERE (word, title, subject) > ($1, '', '') AND word < $2 ORDER BY word, title, subject`,
			arguments{term, term + lastRune})
		if err != nil {
			return "", false, err
		}
		if n < fewest {
			from, fewest = strconv.Itoa(i), n
		}
	}
	if from == "" { // a position that no page has
		from = "0"
	}
	return from, fewest > s.counted, nil
}
