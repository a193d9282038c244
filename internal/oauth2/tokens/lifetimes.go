package tokens

import (
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
)

// Lifetimes are the configured lifetimes of codes and tokens. A client may have its own for
// each grant type.
type Lifetimes struct {
	Code            time.Duration // at most 60 s
	AccessToken     time.Duration
	IDToken         time.Duration
	LongestToken    time.Duration // bounds what a client registers for either
	RefreshIdle     time.Duration // of a refresh token that is not used
	RefreshAbsolute time.Duration // of a grant with refresh tokens
}

// Access returns the lifetime of an access token that the client gets by a grant type. It is
// bounded by the time for which a public key remains published.
func (l *Lifetimes) Access(c *client.Client, grantType string) time.Duration {
	return min(c.Of(grantType).Access.Or(l.AccessToken), l.LongestToken)
}

// ID returns the lifetime of an ID token, bounded like that of an access token.
func (l *Lifetimes) ID(c *client.Client, grantType string) time.Duration {
	return min(c.Of(grantType).ID.Or(l.IDToken), l.LongestToken)
}

// Refresh returns for how long a refresh token may remain unused. It ends with its grant in
// any case.
func (l *Lifetimes) Refresh(c *client.Client, grantType string) time.Duration {
	return c.Of(grantType).Refresh.Or(l.RefreshIdle)
}

// AccessOf returns the lifetime of an access token for resources that declare one, 0 for none: it
// replaces that of the client.
func (l *Lifetimes) AccessOf(c *client.Client, grantType string, declared time.Duration) time.Duration {
	if declared > 0 {
		return min(declared, l.LongestToken)
	}
	return l.Access(c, grantType)
}

// AccessUntil returns a bound for the end of an access token that is issued at now, of which the
// resources declare at most the lifetime longest. The statement that redeems a code or refresh token
// writes it into the grant.
func (l *Lifetimes) AccessUntil(c *client.Client, grantType string, longest time.Duration, now time.Time) time.Time {
	return nextSecond(now.Add(l.longestAccess(c, grantType, longest)))
}

func (l *Lifetimes) longestAccess(c *client.Client, grantType string, declared time.Duration) time.Duration {
	return max(l.Access(c, grantType), min(declared, l.LongestToken))
}

// nextSecond returns the first whole second after t. The end of a token has whole seconds,
// the database whole microseconds; a bound must not be rounded below either.
func nextSecond(t time.Time) time.Time { return t.Truncate(time.Second).Add(time.Second) }

// GrantPlan lists the tokens that a new grant may issue.
type GrantPlan struct {
	GrantType    string        // by which the client redeems the code
	CodeLifetime time.Duration // of the code or device code
	Code         bool          // the client gets a code
	AccessToken  bool          // the authorization response holds an access token
	Refresh      bool          // the code leads to refresh tokens
	Longest      time.Duration // the longest lifetime that its resources declare for access tokens; 0 for none
}

// GrantEnd returns when a grant of c that begins at now ends if it is not used, and when in
// any case: with the last token that can be issued under it.
func (l *Lifetimes) GrantEnd(c *client.Client, p GrantPlan, now time.Time) (idle, absolute time.Time) {
	if p.Refresh {
		absolute = now.Add(l.RefreshAbsolute)
		if idle = now.Add(l.Refresh(c, p.GrantType)); absolute.Before(idle) {
			idle = absolute
		}
		return idle, absolute
	}
	var longest time.Duration
	if p.Code {
		longest = p.CodeLifetime + l.longestAccess(c, p.GrantType, p.Longest)
	}
	if p.AccessToken {
		longest = max(longest, l.longestAccess(c, client.GrantImplicit, p.Longest))
	}
	if longest == 0 {
		longest = l.ID(c, client.GrantImplicit)
	}
	absolute = now.Add(longest)
	return absolute, absolute
}

// NewLocator returns the locator of a new grant of c that begins at now.
func (l *Lifetimes) NewLocator(c *client.Client, p GrantPlan, now time.Time) grant.Locator {
	_, end := l.GrantEnd(c, p, now)
	weekly := p.Refresh || end.Sub(now) > grant.LongestInHour
	return grant.Locator{Partition: grant.PartitionAt(now, weekly), ID: grant.NewID(now)}
}
