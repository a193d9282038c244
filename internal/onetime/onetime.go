// Package onetime holds values that may be used once: the jti of a client's assertion or of a DPoP
// proof. A request claims all of its values together, so that they cost one round trip to the database.
package onetime

import (
	"context"
	"time"
)

// Value is a value that may be used once by its owner, until a time after which it is not valid anyway.
type Value struct {
	Kind, Owner, Key string
	Until            time.Time
	// Used is the error of a request whose value was used before.
	Used error
}

// Claimer claims single values.
type Claimer interface {
	// ClaimOnce reports whether this is the first call with the key of an owner and kind. Of
	// concurrent calls on all replicas one gets true.
	ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error)
}

// Values are the values of a request that are not claimed yet.
type Values struct{ list []Value }

type contextKey struct{}

// Collect returns a context in which [Claim] collects values. The caller must claim the values that
// [Values.Take] returns before the request has an effect, and also if the request fails.
func Collect(ctx context.Context) (context.Context, *Values) {
	v := &Values{}
	return context.WithValue(ctx, contextKey{}, v), v
}

// Take returns the collected values and forgets them. A nil v has none.
func (v *Values) Take() []Value {
	if v == nil {
		return nil
	}
	list := v.list
	v.list = nil
	return list
}

// Claim claims a value as [Value.Claim] does, or collects it if ctx is from [Collect].
func Claim(ctx context.Context, claimer Claimer, v *Value, now time.Time) error {
	if values, ok := ctx.Value(contextKey{}).(*Values); ok {
		values.list = append(values.list, *v)
		return nil
	}
	return v.Claim(ctx, claimer, now)
}

// Claim claims the value. It returns Used if the value was used before, and the errors of the claimer.
func (v *Value) Claim(ctx context.Context, claimer Claimer, now time.Time) error {
	first, err := claimer.ClaimOnce(ctx, v.Kind, v.Owner, v.Key, v.Until, now)
	if err == nil && !first {
		return v.Used
	}
	return err
}
