package manage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// Precondition returns an error, mostly [account.ErrChanged], unless the stored record has a version
// that the caller may replace. Nil allows every version.
type Precondition func(version string) error

func (p Precondition) check(version string) error {
	if p == nil {
		return nil
	}
	return p(version)
}

// seen returns the time of the last change that the store must find, nil for any.
func (p Precondition) seen(updatedAt time.Time) *time.Time {
	if p == nil {
		return nil
	}
	return &updatedAt
}

// checkStored checks the record that find reads, by the time of its last change, and returns what seen
// returns for it. Without a precondition it reads nothing.
func (p Precondition) checkStored(find func() (updatedAt time.Time, err error)) (seen *time.Time, err error) {
	if p == nil {
		return nil, nil
	}
	updatedAt, err := find()
	if err != nil {
		return nil, err
	}
	return &updatedAt, p(Version(updatedAt))
}

// Version returns the version of a group, a scope or an attribute that was last changed at a time.
func Version(updatedAt time.Time) string {
	if updatedAt.IsZero() {
		return "0" // a scope that nobody has changed
	}
	return strconv.FormatInt(updatedAt.UnixMicro(), 36)
}

// UserVersion returns the version of an account: it changes with its members. A deleted group does
// not change the time of the account, so the groups are part of it.
func UserVersion(a *account.Account) string {
	text, _ := json.Marshal([]any{a.UpdatedAt.UnixMicro(), a.Groups}) // has only numbers and texts
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
