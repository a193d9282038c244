package admin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"unicode"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
)

const loginChallenge = "login_challenge"

// loginRequest is what a login app is told of a request.
type loginRequest struct {
	request

	Challenge string `json:"challenge"`
	Skip      bool   `json:"skip"`
	Subject   string `json:"subject"`
	SessionID string `json:"session_id"`
}

// loginRequest serves GET /oauth2/auth/requests/login.
func (h *Handler) loginRequest(c *Call) (*Reply, error) {
	id, err := challenge(c.Request, loginChallenge, authrequest.StepLogin)
	if err != nil {
		return nil, err
	}
	ctx := c.Context()
	waiting, err := h.Requests.Request(ctx, id, h.Now())
	switch {
	case err != nil:
		return nil, err
	case waiting.LoginSession == "":
		return nil, authrequest.ErrNotFound
	case waiting.LoginAnswer != nil:
		return nil, h.handled(waiting)
	}
	described, err := h.describe(ctx, waiting)
	if err != nil {
		return nil, err
	}
	return ok(&loginRequest{
		request: described, Challenge: waiting.Challenge(authrequest.StepLogin),
		Skip: waiting.LoginSkip, Subject: waiting.Subject, SessionID: waiting.LoginSession,
	}), nil
}

// acceptLogin is what a login app says of a person who has signed in there.
type acceptLogin struct {
	Subject         string          `json:"subject"`
	Remember        bool            `json:"remember"`
	RememberFor     int64           `json:"remember_for"`
	Extend          bool            `json:"extend_session_lifespan"`
	ACR             string          `json:"acr"`
	AMR             []string        `json:"amr"`
	Context         json.RawMessage `json:"context"`
	ForceSubject    string          `json:"force_subject_identifier"`
	ProviderSession string          `json:"identity_provider_session_id"`
}

// acceptLogin serves PUT /oauth2/auth/requests/login/accept.
func (h *Handler) acceptLogin(c *Call) (*Reply, error) {
	var body acceptLogin
	id, err := answering(c, loginChallenge, authrequest.StepLogin, &body)
	if err != nil {
		return nil, err
	}
	if err := body.check(); err != nil {
		return nil, err
	}
	c.Target = body.Subject
	return h.answerLogin(c, id, body.Subject, &authrequest.LoginAnswer{
		Remember: body.Remember, RememberFor: min(body.RememberFor, maxRemember), Extend: body.Extend,
		ACR: body.ACR, AMR: body.AMR, Context: some(body.Context),
		ForcedSubject: body.ForceSubject, IdentityProviderSessionID: body.ProviderSession,
	})
}

const (
	maxName     = 255                  // bytes of a subject (OpenID Connect Core section 2), and of what is like it
	maxMethods  = 16                   // how many amr there are
	maxContext  = 8 << 10              // bytes
	maxRemember = 10 * 365 * 24 * 3600 // seconds
)

func (b *acceptLogin) check() error {
	switch {
	case b.Subject == "":
		return invalid("The member subject must not be empty.")
	case !plain(b.Subject):
		return invalid("The member subject must be at most 255 bytes without control characters.")
	case !plain(b.ForceSubject):
		return invalid("The member force_subject_identifier must be at most 255 bytes without control characters.")
	case !plain(b.ProviderSession):
		return invalid("The member identity_provider_session_id must be at most 255 bytes without control characters.")
	case !plain(b.ACR):
		return invalid("The member acr must be at most 255 bytes without control characters.")
	case b.RememberFor < 0:
		return invalid("The member remember_for must not be negative.")
	case len(b.Context) > maxContext:
		return invalid("The member context is too long.")
	case len(b.AMR) > maxMethods:
		return invalid("The member amr has too many values.")
	}
	for _, method := range b.AMR {
		if method == "" || !plain(method) || strings.ContainsFunc(method, unicode.IsSpace) {
			return invalid("A value of amr is empty, too long, or holds a space.")
		}
	}
	return nil
}

// plain reports whether text is short and shows all that is in it.
func plain(text string) bool {
	return len(text) <= maxName && !strings.ContainsFunc(text, unicode.IsControl)
}

// some returns raw unless it is null.
func some(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// rejectLogin serves PUT /oauth2/auth/requests/login/reject.
func (h *Handler) rejectLogin(c *Call) (*Reply, error) {
	var body reject
	id, err := answering(c, loginChallenge, authrequest.StepLogin, &body)
	if err != nil {
		return nil, err
	}
	return h.answerLogin(c, id, authrequest.NoSubject, &authrequest.LoginAnswer{Refusal: body.refusal()})
}

// answerLogin notes the answer and tells the app where to send the person. Where
// somebody else has signed in than who could have gone on without, they begin anew.
func (h *Handler) answerLogin(c *Call, id, subject string, login *authrequest.LoginAnswer) (*Reply, error) {
	ctx, now := c.Context(), h.Now()
	verifier := authrequest.NewVerifier((&authrequest.Request{ID: id}).Challenge(authrequest.StepLogin))
	err := h.Requests.AnswerLogin(ctx, id, subject, login, authrequest.HashVerifier(verifier), now)
	if errors.Is(err, authrequest.ErrAlreadyDecided) || errors.Is(err, authrequest.ErrOtherSubject) {
		waiting, gone := h.Requests.Request(ctx, id, now)
		switch {
		case gone != nil:
			return nil, gone
		case errors.Is(err, authrequest.ErrOtherSubject):
			return ok(redirect{h.requestURL(waiting, "login")}), nil
		default:
			return nil, h.handled(waiting)
		}
	}
	if err != nil {
		return nil, err
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "login app answered", slog.String("subject", subject),
		slog.Bool("accepted", login.Refusal == nil), slog.String("by", c.By.ID))
	return ok(redirect{h.AuthorizeURL + "?login_verifier=" + url.QueryEscape(verifier)}), nil
}

// reject is the error that an app wants the client to get.
type reject struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Hint        string `json:"error_hint"`
}

// The longest error that an app may send to a client through the person's browser.
const (
	maxError       = 64
	maxDescription = 512
)

func (b *reject) refusal() *authrequest.Refusal {
	said := &authrequest.Refusal{Code: cut(httpapi.Description(b.Error), maxError), Description: httpapi.Description(b.Description)}
	if said.Code == "" {
		said.Code = "request_denied"
	}
	if said.Description == "" {
		said.Description = "The resource owner denied the request"
	}
	if b.Hint != "" {
		said.Description += " " + httpapi.Description(b.Hint)
	}
	said.Description = cut(said.Description, maxDescription)
	return said
}

func cut(text string, most int) string { return text[:min(len(text), most)] }

// errHandled reports a request that an app has answered before.
var errHandled = errors.New("the request was answered before")

// handledError tells where the person can begin anew.
type handledError struct{ redirect }

// Error says what is the matter.
func (*handledError) Error() string { return errHandled.Error() }

// Is reports that target is errHandled.
func (*handledError) Is(target error) bool { return target == errHandled }

// asHandled returns the handledError in err.
func asHandled(err error) (*handledError, bool) { return errors.AsType[*handledError](err) }

func (h *Handler) handled(waiting *authrequest.Request) error {
	return &handledError{redirect{h.requestURL(waiting, "")}}
}
