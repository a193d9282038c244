package oidc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/session"
)

// patience is how long a confirmation page can be answered.
const patience = 15 * time.Minute

// ticket is what the confirmation page carries from the question to the answer.
// It names the session it was asked in: another site can neither make one nor use
// one of its own in somebody else's browser.
type ticket struct {
	SessionID string `json:"s"`
	ClientID  string `json:"c,omitempty"`
	Redirect  string `json:"r,omitempty"`
	State     string `json:"t,omitempty"`
	Until     int64  `json:"u"`
}

func (l *Logout) ticket(q *wish, s *session.Session) (string, error) {
	t := ticket{SessionID: s.ID, Redirect: q.redirect, State: q.state, Until: l.Now().Add(patience).Unix()}
	if q.client != nil {
		t.ClientID = q.client.ID
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("make ticket: %w", err)
	}
	body := base64.RawURLEncoding.EncodeToString(raw)
	return body + "." + mac(l.Keys[0], body), nil
}

// redeem reads a ticket. The client may have changed since the question, so what
// it is allowed is looked up again; if it is gone, the sign-out still is the
// person's wish.
func (l *Logout) redeem(ctx context.Context, text string) (q *wish, confirmed string, err error) {
	forged := refused("the confirmation is not one of this service")
	body, tag, _ := strings.Cut(text, ".")
	ours := func(key []byte) bool { return hmac.Equal([]byte(tag), []byte(mac(key, body))) }
	if !slices.ContainsFunc(l.Keys, ours) {
		return nil, "", forged
	}
	var t ticket
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(raw, &t) != nil {
		return nil, "", forged
	}
	if l.Now().Unix() > t.Until {
		return nil, "", &rejection{"expired_request", "the confirmation has expired"}
	}

	q, err = l.again(ctx, t.ClientID, t.Redirect, t.State)
	return q, t.SessionID, err
}

// again returns a wish that the person has been asked about.
func (l *Logout) again(ctx context.Context, clientID, redirect, state string) (*wish, error) {
	q := &wish{state: state}
	if clientID == "" {
		return q, nil
	}
	c, err := l.Clients.Client(ctx, clientID)
	if errors.Is(err, client.ErrNotFound) {
		return q, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	q.client = c
	if c.MatchPostLogoutRedirectURI(redirect) && !c.Disabled {
		q.redirect = redirect
	}
	return q, nil
}

// mac is made and compared as text, so a ticket has one spelling.
func mac(key []byte, body string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("sign-out " + body))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
