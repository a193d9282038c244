package authorize

import (
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/token/jwt"
)

// engineSession is what fosite carries through its handlers. The facts are in
// the unit; fosite needs only a subject to be there.
type engineSession struct {
	claims  jwt.IDTokenClaims
	headers jwt.Headers
}

var _ openid.Session = (*engineSession)(nil)

func newEngineSession(subject string) *engineSession {
	return &engineSession{claims: jwt.IDTokenClaims{Subject: subject}}
}

func (s *engineSession) IDTokenClaims() *jwt.IDTokenClaims { return &s.claims }
func (s *engineSession) IDTokenHeaders() *jwt.Headers      { return &s.headers }
func (s *engineSession) GetUsername() string               { return "" }
func (s *engineSession) GetSubject() string                { return s.claims.Subject }

// SetExpiresAt does nothing: lifetimes are the strategies' own, by our clock.
func (s *engineSession) SetExpiresAt(fosite.TokenType, time.Time) {}

// GetExpiresAt returns the zero time, which fosite takes for its default.
func (s *engineSession) GetExpiresAt(fosite.TokenType) time.Time { return time.Time{} }

// Clone returns a copy that shares nothing with s.
func (s *engineSession) Clone() fosite.Session { return newEngineSession(s.claims.Subject) }
