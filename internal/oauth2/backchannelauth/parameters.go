package backchannelauth

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

const (
	// maxBindingMessage is the maximum length of a binding_message in characters.
	maxBindingMessage = 64
	// maxNotificationToken is the maximum length of a client_notification_token (CIBA Core §7.1).
	maxNotificationToken = 1024
	// maxHint is the maximum length of a login_hint in bytes.
	maxHint = 512
)

// parameters are those that only backchannel authentication requests have.
type parameters struct {
	bindingMessage    string
	notificationToken string
	lifetime          time.Duration
}

// parse reads the parameters of a request of c.
//
// Spec: CIBA Core §7.1, §13.
func parse(c *client.Client, form url.Values) (parameters, error) {
	p := parameters{bindingMessage: form.Get("binding_message"), lifetime: ciba.DefaultLifetime}
	if form.Get("user_code") != "" {
		return p, oauth2.InvalidRequest("User codes are not supported: the parameter user_code must be missing")
	}
	if !isPrintable(p.bindingMessage) {
		return p, oauth2.NewError(oauth2.CodeInvalidBindingMessage, "The binding_message must have at most 64 printable characters")
	}
	if given := form.Get("requested_expiry"); given != "" {
		seconds, err := strconv.Atoi(given)
		if err != nil || seconds < 1 || seconds > int(ciba.MaxLifetime.Seconds()) {
			return p, oauth2.InvalidRequest("The parameter requested_expiry must be a number of seconds between 1 and 600")
		}
		p.lifetime = time.Duration(seconds) * time.Second
	}
	if c.BackchannelTokenDeliveryMode != client.DeliveryPing {
		return p, nil // a client that polls may send a token, which has no use
	}
	p.notificationToken = form.Get("client_notification_token")
	if p.notificationToken == "" || len(p.notificationToken) > maxNotificationToken || !isBearerToken(p.notificationToken) {
		return p, oauth2.InvalidRequest("The parameter client_notification_token must be a bearer token of at most 1024 characters")
	}
	return p, nil
}

// isPrintable reports whether the user reads the message as the client sent it. Format characters can
// reorder or hide text; letters of all scripts are printable.
func isPrintable(message string) bool {
	return utf8.ValidString(message) && utf8.RuneCountInString(message) <= maxBindingMessage &&
		strings.IndexFunc(message, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) < 0 &&
		(message == "" || strings.TrimSpace(message) != "")
}

// isBearerToken reports whether text has the syntax of a token in an Authorization header.
//
// Spec: RFC 6750 §2.1.
func isBearerToken(text string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	text = strings.TrimRight(text, "=")
	return text != "" && strings.Trim(text, letters) == ""
}

// hint names a user: by a username or email address, or by a subject.
type hint struct{ name, subject string }

// hint reads the hint of a request, which has exactly one. subject is that of its id_token_hint, which
// has been checked.
//
// Spec: CIBA Core §7.1.
func (h *Handler) hint(ctx context.Context, c *client.Client, form url.Values, subject string) (hint, error) {
	login, idToken, token := form.Get("login_hint"), form.Get("id_token_hint"), form.Get("login_hint_token")
	given := 0
	for _, one := range []string{login, idToken, token} {
		if one != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return hint{}, hintError("The request must have exactly one of login_hint, id_token_hint and login_hint_token")
	case len(login) > maxHint:
		return hint{}, hintError("The login_hint is too long")
	case c.SubjectType == client.Pairwise && login == "":
		// The subject of the account cannot be computed from a pairwise one.
		return hint{}, hintError("A client with pairwise subjects must send a login_hint")
	case login != "" && c.SubjectType == client.Pairwise:
		return hint{name: login}, nil
	case login != "":
		return hint{name: login, subject: login}, nil
	case idToken != "":
		return hint{subject: subject}, nil
	}
	return h.hintToken(ctx, c, token)
}

// hintToken reads a login_hint_token: a JWT that the client signed, with iss, aud and exp as in a request
// object, and the user as sub or as sub_id (RFC 9493) in the format iss_sub, email or opaque.
func (h *Handler) hintToken(ctx context.Context, c *client.Client, token string) (hint, error) {
	signed, err := h.Objects.SignedBy(ctx, c, token, c.BackchannelRequestSigningAlg, "jwt")
	if err != nil {
		e := oauth2.ErrorOf(err)
		if e.Status >= 500 {
			return hint{}, err
		}
		return hint{}, hintError(strings.Replace(e.Description, "request object", "login_hint_token", 1))
	}
	until, ok := signed.Payload.Date("exp")
	switch {
	case !ok:
		return hint{}, hintError("The login_hint_token must have an exp that is a number")
	case !until.After(h.Now()):
		return hint{}, oauth2.NewError(oauth2.CodeExpiredLoginHintToken, "The login_hint_token has expired")
	}
	if subject := signed.Payload.Text("sub"); subject != "" {
		return hint{subject: subject}, nil
	}
	id, _ := signed.Payload["sub_id"].(map[string]any)
	text := func(name string) string { value, _ := id[name].(string); return value }
	n := hint{}
	switch text("format") {
	case "email":
		n.name = text("email")
	case "iss_sub":
		if text("iss") == h.Issuer {
			n.subject = text("sub")
		}
	case "opaque":
		n.name, n.subject = text("id"), text("id")
	}
	if n == (hint{}) || len(n.name)+len(n.subject) > 2*maxHint {
		return hint{}, hintError("The login_hint_token must name the user as sub, or as sub_id in the format iss_sub of this server, email or opaque")
	}
	return n, nil
}

func hintError(description string) *oauth2.Error {
	e := oauth2.InvalidRequest(description)
	e.Rule = refusal.UserHintInvalid
	return e
}
