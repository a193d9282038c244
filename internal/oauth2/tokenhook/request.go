package tokenhook

import (
	"encoding/json"
	"time"
)

// tokenRequest is the request of a token hook.
type tokenRequest struct {
	Session session `json:"session"`
	Request request `json:"request"`
}

// refreshRequest is the request of a refresh hook. Older versions have no session and
// requester.
type refreshRequest struct {
	Subject   string    `json:"subject"`
	Session   session   `json:"session"`
	Requester requester `json:"requester"`
	ClientID  string    `json:"client_id"`
	Scopes    []string  `json:"granted_scopes"`
	Audience  []string  `json:"granted_audience"`
}

type requester struct {
	ClientID   string   `json:"client_id"`
	Scopes     []string `json:"granted_scopes"`
	Audience   []string `json:"granted_audience"`
	GrantTypes []string `json:"grant_types"`
}

type request struct {
	requester

	RequestedScopes []string            `json:"requested_scopes"`
	Payload         map[string][]string `json:"payload"`
}

// session holds the current claims of the tokens.
type session struct {
	IDToken          idToken         `json:"id_token"`
	Extra            json.RawMessage `json:"extra"`
	KID              string          `json:"kid"`
	ClientID         string          `json:"client_id"`
	ConsentChallenge string          `json:"consent_challenge"`
	ExcludeNotBefore bool            `json:"exclude_not_before_claim"`
	TopLevel         []string        `json:"allowed_top_level_claims"`
	Mirror           bool            `json:"mirror_top_level_claims"`
}

type idToken struct {
	Claims    claims               `json:"id_token_claims"`
	Headers   headers              `json:"headers"`
	ExpiresAt map[string]time.Time `json:"expires_at"`
	Username  string               `json:"username,omitempty"`
	Subject   string               `json:"subject,omitempty"`
}

type headers struct {
	Extra map[string]any `json:"extra"`
}

// claims are the claims of the ID token. Unknown times are in the year 1.
type claims struct {
	JTI         string          `json:"jti"`
	Issuer      string          `json:"iss"`
	Subject     string          `json:"sub"`
	Audience    []string        `json:"aud"`
	Nonce       string          `json:"nonce"`
	ExpiresAt   time.Time       `json:"exp"`
	IssuedAt    time.Time       `json:"iat"`
	RequestedAt time.Time       `json:"rat"`
	AuthTime    time.Time       `json:"auth_time"`
	AccessHash  string          `json:"at_hash"`
	ACR         string          `json:"acr"`
	AMR         []string        `json:"amr"`
	CodeHash    string          `json:"c_hash"`
	Extra       json.RawMessage `json:"ext"`
}

func (s *Subject) requester() requester {
	return requester{s.ClientID, full(s.Scopes), full(s.Audience), []string{s.GrantType}}
}

func (s *Subject) session() session {
	p := &s.User
	protocol := claims{
		Issuer: p.Issuer, Subject: p.ClientSubject, Audience: []string{s.ClientID}, Nonce: p.Nonce,
		IssuedAt: p.Now.UTC(), RequestedAt: p.Now.UTC(), ACR: p.ACR, AMR: full(p.AMR), Extra: object(s.Extra.IDToken),
	}
	if p.AuthTime != 0 {
		protocol.AuthTime = time.Unix(p.AuthTime, 0).UTC()
	}
	return session{
		IDToken: idToken{
			Claims: protocol, Headers: headers{map[string]any{}}, ExpiresAt: map[string]time.Time{}, Username: p.Username, Subject: p.Subject,
		},
		Extra: object(s.Extra.AccessToken), ClientID: s.ClientID, TopLevel: full(s.Style.TopLevel), Mirror: s.Style.Mirror,
	}
}

func full(list []string) []string { return append([]string{}, list...) }

func object(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}
