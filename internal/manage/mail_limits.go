package manage

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
)

// Attempts counts by key, for all replicas together.
type Attempts interface {
	// CountAttempt adds one under key and returns how many there were since the window began.
	CountAttempt(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
}

// MailLimits bound the messages that operators send to one address, as [account.MailLimits]. The
// messages that anonymous users cause are counted separately: they must not keep an operator from
// helping a user.
type MailLimits struct {
	Attempts Attempts // nil for no limits
}

// TooManyMailsError reports an address that has received the maximum number of messages.
type TooManyMailsError struct {
	Address    string
	RetryAfter time.Duration
}

// Error implements error.
func (e *TooManyMailsError) Error() string {
	return fmt.Sprintf("%s has received 3 messages in an hour or 10 in a day: send the next one in %s, or print the link",
		e.Address, e.RetryAfter.Round(time.Second))
}

// count counts a message to an address. It returns a [*TooManyMailsError] above a limit.
func (m MailLimits) count(ctx context.Context, kind mail.Kind, address string, now time.Time) error {
	if m.Attempts == nil {
		return nil
	}
	key, err := account.AddressKey(address)
	if err != nil {
		return err
	}
	for _, limit := range account.MailLimits("operator "+string(kind), key) {
		n, since, err := m.Attempts.CountAttempt(ctx, limit.Key, limit.Window, now)
		if err != nil {
			return fmt.Errorf("count messages: %w", err)
		}
		if n > limit.MaxAttempts {
			return &TooManyMailsError{Address: address, RetryAfter: max(time.Second, since.Add(limit.Window).Sub(now))}
		}
	}
	return nil
}
