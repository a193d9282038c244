package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// addressesOf is the list of an account's addresses: whether it is primary, the time of its
// verification in microseconds, the address.
const addressesOf = `(SELECT string_agg(e.is_primary || ' ' || coalesce(e.verified_at, 0) || ' ' || e.address, '` + itemSeparator + `')
	FROM addresses e WHERE e.subject = a.subject)`

func intoAddresses(list *[]account.Address) column {
	return into(func(text string) error {
		*list = nil
		for _, one := range items(text) {
			primary, rest, _ := strings.Cut(one, " ")
			verified, address, _ := strings.Cut(rest, " ")
			us, err := strconv.ParseInt(verified, 10, 64)
			if err != nil {
				return fmt.Errorf("addresses have %q, want a time", verified)
			}
			next := account.Address{Address: address, Primary: primary == "1"}
			if us != 0 {
				next.VerifiedAt = time.UnixMicro(us).UTC()
			}
			*list = append(*list, next)
		}
		account.SortAddresses(*list)
		return nil
	})
}

// writeAddresses replaces the addresses of an account. It returns [account.ErrAddressTaken]
// if another account has verified one of the verified ones.
func writeAddresses(ctx context.Context, on db.Conn, a *account.Account) error {
	if _, err := on.Exec(ctx, `DELETE FROM addresses WHERE subject = $1`, a.Subject); err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	for some := range slices.Chunk(a.Addresses, batchSize/5) {
		var (
			args []any
			rows []string
		)
		for _, one := range some {
			key, err := account.AddressKey(one.Address)
			if err != nil {
				return fmt.Errorf("write addresses: %w", err)
			}
			rows = append(rows, `(`+placeholders(len(args)+1, 5)+`)`)
			args = append(args, a.Subject, key, one.Address, micros(one.VerifiedAt), flag(one.Primary))
		}
		written, err := on.Exec(ctx, `INSERT INTO addresses (subject, address_key, address, verified_at, is_primary) VALUES `+
			strings.Join(rows, ", ")+` ON CONFLICT DO NOTHING`, args...)
		if err != nil {
			return fmt.Errorf("write addresses: %w", err)
		}
		if written < int64(len(some)) {
			return account.ErrAddressTaken
		}
	}
	return nil
}

// rewriteMarkedAddresses writes the addresses that migration 25 and its triggers have marked:
// SQL cannot compute the key of an address with other than ASCII characters, nor change the
// claim email_verified of an account whose address another account has verified.
func (s *Accounts) rewriteMarkedAddresses(ctx context.Context) error {
	const marked = `SELECT subject FROM addresses WHERE address_key LIKE '?%'`

	var subjects []string
	err := s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var subject string
		err := from.Scan(&subject)
		subjects = append(subjects, subject)
		return err
	}, marked)
	if err != nil {
		return fmt.Errorf("find marked addresses: %w", err)
	}
	for _, subject := range subjects {
		err := s.rewriteAddresses(ctx, subject, nil)
		if errors.Is(err, account.ErrAddressTaken) {
			err = s.rewriteAddresses(ctx, subject, func(one *account.Address) { one.VerifiedAt = time.Time{} })
		}
		if err != nil && !errors.Is(err, account.ErrNotFound) {
			return err
		}
	}
	return nil
}

// rewriteAddresses writes the addresses of an account and the claims that they determine,
// after change, if it is not nil, has changed each of them.
func (s *Accounts) rewriteAddresses(ctx context.Context, subject string, change func(*account.Address)) error {
	return s.db.Tx(ctx, func(c db.Conn) error {
		a, err := accountBySubject(ctx, c, subject)
		if err != nil {
			return err
		}
		before := *a
		list := slices.Clone(a.Addresses)
		for i := range list {
			if change != nil {
				change(&list[i])
			}
		}
		if err := a.SetAddresses(list); err != nil {
			return fmt.Errorf("rewrite addresses of %s: %w", a.Username, err)
		}
		if err := replaceMembers(ctx, c, a, &before); err != nil {
			return err
		}
		if before.Claims["email_verified"] != a.Claims["email_verified"] {
			s.log.LogAttrs(ctx, slog.LevelWarn, "the email address of an account is not verified any more: another account has verified it",
				slog.String("subject", a.Subject))
		}
		if err := writeAddresses(ctx, c, a); err != nil {
			return err
		}
		return writeWords(ctx, c, a)
	})
}
