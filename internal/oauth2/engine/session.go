package engine

import (
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/token/jwt"
)

// session is the session type that fosite passes through its handlers. The exchange holds the
// facts; fosite only requires a subject.
type session struct {
	claims  jwt.IDTokenClaims
	headers jwt.Headers
}

var _ openid.Session = (*session)(nil)

func newSession(subject string) *session {
	return &session{claims: jwt.IDTokenClaims{Subject: subject}}
}

func (s *session) IDTokenClaims() *jwt.IDTokenClaims { return &s.claims }
func (s *session) IDTokenHeaders() *jwt.Headers      { return &s.headers }
func (s *session) GetUsername() string               { return "" }
func (s *session) GetSubject() string                { return s.claims.Subject }

// SetExpiresAt does nothing: [tokens.Issuer] decides lifetimes.
func (s *session) SetExpiresAt(fosite.TokenType, time.Time) {}

// GetExpiresAt returns the zero time, which fosite replaces by its default.
func (s *session) GetExpiresAt(fosite.TokenType) time.Time { return time.Time{} }

// Clone returns a copy that shares nothing with s.
func (s *session) Clone() fosite.Session { return newSession(s.claims.Subject) }
