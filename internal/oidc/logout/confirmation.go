package logout

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

const (
	confirmationLifetime = 15 * time.Minute // of a confirmation page
	redirectLifetime     = 2 * time.Minute  // of a POST that was redirected to GET
)

// confirmation is the state of a logout request between two requests of a browser. It is
// sealed and names the session of the confirmation page: another site can neither forge
// one nor use its own in another browser.
type confirmation struct {
	SessionID string `json:"s"`
	ClientID  string `json:"c,omitempty"`
	Redirect  string `json:"r,omitempty"`
	State     string `json:"t,omitempty"`
	ExpiresAt int64  `json:"u"`
	// HintSessionID is the sid of the hint, in a POST that was redirected to GET.
	HintSessionID string `json:"h,omitempty"`
}

// The purposes of a sealed confirmation. The MAC covers them, so that one is invalid as
// the other.
const (
	forConfirmation = "sign-out "
	forRedirect     = "sign-out request "
)

// confirm shows the confirmation page.
func (h *Handler) confirm(w http.ResponseWriter, r *http.Request, q *logoutRequest, s *session.Session) error {
	sealed, err := h.sealer().seal(forConfirmation, q, confirmation{SessionID: s.ID}, confirmationLifetime)
	if err != nil {
		return err
	}
	self, err := h.sealer().seal(forRedirect, q, confirmation{HintSessionID: q.sid}, confirmationLifetime)
	if err != nil {
		return err
	}
	h.Pages.SignOut(w, r, http.StatusOK, pages.SignOut{
		Client:      pageClient(q.client),
		Action:      h.url(),
		Fields:      []pages.Field{{Name: "ticket", Value: sealed}},
		DisplayName: s.Username, CancelURL: strings.TrimRight(h.Issuer, "/") + "/",
		Self: h.Path + "?request=" + self,
	})
	return nil
}

// confirmedByUser opens the confirmation that the user submitted. It returns the request
// and the id of the session that the page named.
func (h *Handler) confirmedByUser(ctx context.Context, sealed string) (*logoutRequest, string, error) {
	c, err := h.sealer().open(forConfirmation, sealed)
	if err != nil {
		return nil, "", err
	}
	q, err := h.parser().restore(ctx, c.ClientID, c.Redirect, c.State)
	return q, c.SessionID, err
}

// redirectToGET redirects a POST without a cookie to GET: browsers do not send the cookie
// with a form that another site posts, and send it with a navigation. The URL has a sealed
// confirmation instead of id_token_hint, which identifies the user and would be stored in
// histories and logs.
func (h *Handler) redirectToGET(w http.ResponseWriter, r *http.Request) error {
	q, err := h.parser().parse(r)
	if err != nil {
		return err
	}
	sealed, err := h.sealer().seal(forRedirect, q, confirmation{HintSessionID: q.sid}, redirectLifetime)
	if err != nil {
		return err
	}
	httpapi.SeeOther(w, h.url()+"?request="+sealed)
	return nil
}

// redirected opens the request that redirectToGET sealed.
func (h *Handler) redirected(ctx context.Context, sealed string) (*logoutRequest, error) {
	c, err := h.sealer().open(forRedirect, sealed)
	if err != nil {
		return nil, err
	}
	q, err := h.parser().restore(ctx, c.ClientID, c.Redirect, c.State)
	if err == nil && q.client != nil {
		q.sid = c.HintSessionID
	}
	return q, err
}

// sealer encodes confirmations with a MAC.
type sealer struct {
	keys [][]byte // the first signs, all verify
	now  time.Time
}

// seal encodes c for a purpose, with the client, redirect and state of q.
func (s sealer) seal(purpose string, q *logoutRequest, c confirmation, lifetime time.Duration) (string, error) {
	c.Redirect, c.State, c.ExpiresAt = q.redirect, q.state, s.now.Add(lifetime).Unix()
	if q.client != nil {
		c.ClientID = q.client.ID
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("seal confirmation: %w", err)
	}
	body := base64.RawURLEncoding.EncodeToString(raw)
	return body + "." + mac(s.keys[0], purpose, body), nil
}

// open verifies and decodes a confirmation for a purpose.
func (s sealer) open(purpose, sealed string) (c confirmation, err error) {
	forged := invalidRequest("the confirmation was not made by this service")
	body, tag, _ := strings.Cut(sealed, ".")
	verifies := func(key []byte) bool { return hmac.Equal([]byte(tag), []byte(mac(key, purpose, body))) }
	if !slices.ContainsFunc(s.keys, verifies) {
		return c, forged
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, forged
	}
	if s.now.Unix() > c.ExpiresAt {
		return c, httpapi.BadRequest(expiredRequest, "the confirmation has expired")
	}
	return c, nil
}

// mac returns the MAC as text. Comparing it as text leaves each confirmation one valid
// encoding.
func mac(key []byte, purpose, body string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose + body))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
