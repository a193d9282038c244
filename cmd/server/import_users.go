package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/store"
)

// importUsers adds and changes the people of a JSON array, all or none. Done
// twice, it changes nothing the second time.
func importUsers(
	ctx context.Context, s *store.Store, h *credential.Hasher, text []byte,
) (created, updated int, err error) {
	people, err := readUsers(ctx, s, h, text, func(int, int) {})
	if err != nil {
		return 0, 0, err
	}
	return s.ImportAccounts(ctx, people)
}

// readUsers reads a file of people and hashes the passwords that are new. Its
// error joins every fault of every entry.
func readUsers(
	ctx context.Context, s *store.Store, h *credential.Hasher, text []byte, progress func(done, total int),
) ([]account.Import, error) {
	entries, faults := parseUsers(text)
	people := make([]account.Import, len(entries))
	hashes := make([]string, len(entries)) // of the present passwords
	when := now()
	for i, e := range entries {
		people[i].KeepAdministrator = e.Administrator == nil
		people[i].Account = &account.Account{
			Subject: account.NewSubject(), Username: e.Username, PasswordHash: e.PasswordHash, Claims: e.Claims,
			Administrator: e.Administrator != nil && *e.Administrator, CreatedAt: when, UpdatedAt: when,
		}
		known, err := s.AccountByUsername(ctx, e.Username)
		switch {
		case errors.Is(err, account.ErrNotFound):
			if e.Password == "" && e.PasswordHash == "" && !e.faulty {
				faults = append(faults, e.fault(errors.New("password or password_hash is needed for somebody new")))
			}
		case err != nil:
			return nil, err
		default:
			hashes[i] = known.PasswordHash
			if e.Claims == nil {
				people[i].Account.Claims = known.Claims
			}
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	// Hashing is slow on purpose, so it waits until all else is known to be good.
	for i, e := range entries {
		if e.Password != "" {
			var err error
			if people[i].Account.PasswordHash, err = freshPassword(ctx, h, hashes[i], e.Password); err != nil {
				return nil, e.fault(err)
			}
		}
		progress(i+1, len(entries))
	}
	return people, nil
}

// freshPassword hashes a password. It returns nothing if it is the one hashed
// before: what is stored then stays, even if somebody changes it meanwhile.
func freshPassword(ctx context.Context, h *credential.Hasher, before, password string) (string, error) {
	if before != "" {
		same, err := h.Verify(ctx, before, password)
		if err != nil && !errors.Is(err, credential.ErrBadHash) {
			return "", fmt.Errorf("compare password: %w", err)
		}
		if same {
			return "", nil
		}
	}
	hash, err := h.Hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}
