package registration

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// answer is a client as it is told about itself (RFC 7591 section 3.2.1, RFC 7592
// section 3). The lists shadow those of Metadata so that empty ones are written.
type answer struct {
	client.Metadata

	RedirectURIs  []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	Contacts      []string `json:"contacts"`

	ClientID        string    `json:"client_id"`
	ClientSecret    string    `json:"client_secret,omitempty"`
	SecretExpiresAt int64     `json:"client_secret_expires_at"` // never: 0
	IssuedAt        int64     `json:"client_id_issued_at"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
	Token           string    `json:"registration_access_token,omitempty"`
	URI             string    `json:"registration_client_uri"`

	Localized map[string]string `json:"localized,omitempty"` // empty: those of Metadata stand beside the others
}

// MarshalJSON writes the members in languages as well.
func (a *answer) MarshalJSON() ([]byte, error) {
	type members answer
	return a.MarshalWith((*members)(a))
}

func (h *Handler) show(r *http.Request, c *client.Client) *answer {
	full := func(list []string) []string { return append([]string{}, list...) }
	said := c.Metadata
	// the operator's own
	said.Owner, said.Notes, said.OperatorScope, said.ServedResources, said.SubjectSector = "", nil, false, nil, ""
	return &answer{
		Metadata:      said,
		RedirectURIs:  full(c.RedirectURIs),
		GrantTypes:    full(c.GrantTypes),
		ResponseTypes: full(c.ResponseTypes),
		Contacts:      full(c.Contacts),
		ClientID:      c.ID,
		IssuedAt:      c.CreatedAt.Unix(),
		CreatedAt:     c.CreatedAt.UTC().Truncate(time.Second),
		UpdatedAt:     c.UpdatedAt.UTC().Truncate(time.Second),
		URI:           strings.TrimRight(h.Issuer, "/") + family(r) + "/" + url.PathEscape(c.ID),
	}
}

// responseError is an error with an answer of its own.
type responseError struct {
	status      int
	code        string
	description string
}

// Error returns what the caller is told.
func (e *responseError) Error() string { return e.code + ": " + e.description }

func invalidMetadata(description string) error {
	return &responseError{http.StatusBadRequest, client.InvalidMetadata, description}
}

// refusedMetadata tells of the first fault, because one code fits one fault.
func refusedMetadata(faults []client.Fault) error {
	return &responseError{http.StatusBadRequest, faults[0].Code, faults[0].String()}
}

var (
	errClosed = errors.New("registration is closed")
	// errUnauthorized is the one answer to every credential that does not fit.
	errUnauthorized = errors.New("credential does not fit")
	// errNoToken is for whoever came to register with no credential at all.
	errNoToken     = errors.New("no initial access token")
	errSecretFixed = errors.New("client_secret cannot be chosen here")
)

// refusalOf returns the answer to a caller whose request ended in err.
func refusalOf(err error) *responseError {
	var known *responseError
	var throttled *client.ThrottledError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &throttled):
		return &responseError{http.StatusTooManyRequests, "temporarily_unavailable", "Too many wrong secrets came for this client."}
	case errors.Is(err, errClosed):
		return &responseError{http.StatusNotFound, "not_found", "Registration is closed."}
	case errors.Is(err, errNoToken):
		return &responseError{http.StatusUnauthorized, "invalid_token", "An initial access token is needed."}
	case errors.Is(err, errUnauthorized), errors.Is(err, client.ErrNotFound):
		return &responseError{http.StatusUnauthorized, "invalid_token", "The credentials are missing, wrong, or not for this client."}
	case errors.Is(err, client.ErrSector):
		return &responseError{http.StatusBadRequest, client.InvalidMetadata, client.ErrSector.Error()}
	case errors.Is(err, errUnapproved):
		return &responseError{http.StatusBadRequest, "unapproved_software_statement", "The issuer of the software statement is not trusted here."}
	case errors.Is(err, errBadStatement):
		return &responseError{http.StatusBadRequest, "invalid_software_statement", "The software statement is not valid."}
	case errors.Is(err, errSecretFixed):
		return &responseError{http.StatusForbidden, client.InvalidMetadata, "client_secret cannot be changed here."}
	case errors.Is(err, client.ErrConflict):
		return &responseError{http.StatusConflict, "conflict", "The client was changed meanwhile."}
	case pages.Temporary(err):
		return &responseError{http.StatusServiceUnavailable, "temporarily_unavailable", "The server cannot answer right now."}
	default:
		return &responseError{http.StatusInternalServerError, "server_error", "The server met a fault of its own."}
	}
}

// refuse writes what err means to the caller, and logs it.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	answer := refusalOf(err)
	var throttled *client.ThrottledError
	switch {
	case errors.As(err, &throttled):
		w.Header().Set("Retry-After", strconv.Itoa(int(throttled.RetryAfter/time.Second)+1))
	case answer.status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case errors.Is(err, errNoToken): // RFC 6750 §3.1: a request without a token gets no error code
		w.Header().Set("WWW-Authenticate", "Bearer")
	case answer.status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "registration refused", Status: answer.status, Code: answer.code, Rule: ruleOf(answer), Words: answer.description, Err: err,
	})
	pages.JSONError(w, answer.status, answer.code, answer.description)
}

// ruleOf returns the rule that rejected a request whose error carries no cause.
func ruleOf(known *responseError) refusal.Rule {
	switch {
	case known.status == http.StatusTooManyRequests:
		return refusal.SecretThrottled
	case known.status == http.StatusNotFound:
		return refusal.RegistrationClosed
	case known.status == http.StatusUnauthorized:
		return refusal.RegistrationToken
	case known.status == http.StatusConflict:
		return refusal.Conflict
	case known.code == "unapproved_software_statement", known.code == "invalid_software_statement":
		return refusal.SoftwareStatement
	case known.status < http.StatusInternalServerError:
		return refusal.MetadataInvalid
	default:
		return ""
	}
}
