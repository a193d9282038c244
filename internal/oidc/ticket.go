package oidc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
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
	// Hint is the sid of the hint, in a request that is carried from a POST to a GET.
	Hint string `json:"h,omitempty"`
}

// What the MAC of a ticket is for: one must not pass for the other.
const (
	forAnswer  = "sign-out "
	forRequest = "sign-out request "
)

func (l *Logout) ticket(q *wish, s *session.Session) (string, error) {
	return l.seal(forAnswer, q, ticket{SessionID: s.ID, Until: l.Now().Add(patience).Unix()})
}

// seal writes a ticket about a sign-out.
func (l *Logout) seal(use string, q *wish, t ticket) (string, error) {
	t.Redirect, t.State = q.redirect, q.state
	if q.client != nil {
		t.ClientID = q.client.ID
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("make ticket: %w", err)
	}
	body := base64.RawURLEncoding.EncodeToString(raw)
	return body + "." + mac(l.Keys[0], use, body), nil
}

// carry turns a POST without a cookie into a GET: browsers keep the cookie to themselves
// when another site posts a form here, and bring it on a navigation. The request is read
// first, so that its address holds a ticket in place of the id_token_hint, which
// says who the person is and would end in histories and logs.
func (l *Logout) carry(w http.ResponseWriter, r *http.Request) error {
	q, err := l.read(r)
	if err != nil {
		return err
	}
	sealed, err := l.seal(forRequest, q, ticket{Hint: q.sid, Until: l.Now().Add(carryPatience).Unix()})
	if err != nil {
		return err
	}
	pages.SeeOther(w, l.url()+"?request="+sealed)
	return nil
}

// carryPatience is how long the GET may take that follows a POST.
const carryPatience = 2 * time.Minute

// carried reads what carry wrote.
func (l *Logout) carried(ctx context.Context, text string) (*wish, error) {
	t, err := l.open(forRequest, text)
	if err != nil {
		return nil, err
	}
	q, err := l.again(ctx, t.ClientID, t.Redirect, t.State)
	if err == nil && q.client != nil {
		q.sid = t.Hint
	}
	return q, err
}

// open reads a ticket for one use.
func (l *Logout) open(use, text string) (t ticket, err error) {
	forged := refused("the confirmation is not one of this service")
	body, tag, _ := strings.Cut(text, ".")
	ours := func(key []byte) bool { return hmac.Equal([]byte(tag), []byte(mac(key, use, body))) }
	if !slices.ContainsFunc(l.Keys, ours) {
		return t, forged
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(raw, &t) != nil {
		return t, forged
	}
	if l.Now().Unix() > t.Until {
		return t, &rejection{"expired_request", "the confirmation has expired"}
	}
	return t, nil
}

// redeem reads a ticket. The client may have changed since the question, so what
// it is allowed is looked up again; if it is gone, the sign-out still is the
// person's wish.
func (l *Logout) redeem(ctx context.Context, text string) (q *wish, confirmed string, err error) {
	t, err := l.open(forAnswer, text)
	if err != nil {
		return nil, "", err
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
func mac(key []byte, use, body string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(use + body))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
