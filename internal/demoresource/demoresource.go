// Package demoresource serves a protected resource that has nothing to protect: developers try out
// clients with it, and the conformance suite calls it.
package demoresource

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/protectedresource"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/pkg/resource"
)

// interactionID is the header whose value the response repeats. Without a value, or with one that is too
// long or has other characters, the response has a new UUID.
//
// Spec: FAPI 1.0 Baseline §6.2.1.
const interactionID = "X-Fapi-Interaction-Id"

// Handler serves the demo resource.
type Handler struct {
	Issuer   string
	Resource *resource.Server
}

// response is what the token of a request says.
type response struct {
	Subject   string   `json:"sub"`
	ClientID  string   `json:"client_id"`
	Scope     string   `json:"scope"`
	Audience  []string `json:"aud"`
	TokenType string   `json:"token_type"`
	ACR       string   `json:"acr,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	Expiry    int64    `json:"exp"`
}

// ServeHTTP serves GET /demo/resource. It accepts any active access token of this server. The
// parameters acr_values and max_age name an authentication that the user must have performed, so that
// clients can try out step-up authentication.
//
// Spec: RFC 6750 §2.1, RFC 9449 §7, RFC 8705 §3, RFC 9470 §3.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(interactionID)
	if !isToken(id) {
		id = newUUID()
	}
	w.Header().Set(interactionID, id)
	token, err := h.check(w, r)
	if err != nil {
		protectedresource.Errors("demo resource refused", h.Issuer).Write(w, r, err)
		return
	}
	seen := response{
		Subject: token.Subject, ClientID: token.ClientID, Scope: strings.Join(token.Scopes, " "), Audience: token.Audience,
		TokenType: "Bearer", ACR: token.ACR, Expiry: token.Expiry.Unix(),
	}
	if token.Confirmation.JKT != "" {
		seen.TokenType = "DPoP"
	}
	if !token.AuthTime.IsZero() {
		seen.AuthTime = token.AuthTime.Unix()
	}
	w.Header().Set("Cache-Control", "no-store")
	httpapi.JSON(w, http.StatusOK, seen)
}

func (h *Handler) check(w http.ResponseWriter, r *http.Request) (*resource.Token, error) {
	token, err := h.Resource.Authenticate(w.Header(), r)
	if err != nil {
		return nil, err
	}
	need, err := needOf(r)
	if err != nil {
		return nil, err
	}
	return token, h.Resource.Authorize(token, need)
}

// needOf returns what the parameters of a request require.
func needOf(r *http.Request) (resource.Need, error) {
	query := r.URL.Query()
	need := resource.Need{ACRValues: strings.Fields(query.Get("acr_values"))}
	for _, value := range need.ACRValues {
		if !isToken(value) {
			return need, invalid("acr_values", "The parameter acr_values has a value that is not an authentication context class.")
		}
	}
	if text := query.Get("max_age"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return need, invalid("max_age", "The parameter max_age is not a number of seconds.")
		}
		age := time.Duration(seconds) * time.Second
		need.MaxAge = &age
	}
	return need, nil
}

func invalid(parameter, description string) error {
	e := httpapi.BadRequest("invalid_request", description)
	e.Err = refusal.New(refusal.ParameterInvalid, "a parameter of the request is invalid", refusal.Registered(refusal.ParameterAttr, parameter))
	return e
}

// newUUID returns a random UUID.
//
// Spec: RFC 4122 §4.4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never returns an error
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// isToken reports whether a value of a request can be repeated in a header: at most 128 letters,
// digits and other characters of URIs.
func isToken(text string) bool {
	const longest = 128
	return text != "" && len(text) <= longest && strings.TrimLeft(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/") == ""
}
