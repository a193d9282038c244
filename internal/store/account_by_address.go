package store

import (
	"context"

	"github.com/ostiary/ostiary/internal/account"
)

// AccountByAddress returns the account that has verified an email address, or
// [account.ErrNotFound].
func (s *Accounts) AccountByAddress(ctx context.Context, address string) (*account.Account, error) {
	const read = selectAccount + `
		WHERE a.subject = (SELECT d.subject FROM addresses d WHERE d.address_key = $1 AND d.verified_at IS NOT NULL)`

	key, err := account.AddressKey(address)
	if err != nil {
		return nil, account.ErrNotFound
	}
	return readAccount(s.db.Read.QueryRow(ctx, read, key))
}
