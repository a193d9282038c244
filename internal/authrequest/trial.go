package authrequest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

// Trial is the authorization request of a trial: the administrators' console runs the flow of a
// client for an administrator, with the redirect URI of the console. Only this server makes trials. The
// browser sends one sealed, as a request_uri with [TrialURI], so that users and other sites cannot
// choose a parameter of it.
//
// A trial leads to one grant at most: Grant is chosen when the trial begins, and a second insert
// fails with [grant.ErrExists].
type Trial struct {
	ClientID    string    `json:"client"`
	Subject     string    `json:"sub"` // of the administrator
	SessionID   string    `json:"sid"` // of the administrator
	RedirectURI string    `json:"redirect_uri"`
	Scope       string    `json:"scope"`
	State       string    `json:"state"`
	Nonce       string    `json:"nonce"`
	Challenge   string    `json:"challenge"` // RFC 7636, S256
	ExpiresAt   time.Time `json:"exp"`

	Grant grant.Locator `json:"grant"`
}

const (
	// TrialLifetime is how long a trial may take.
	TrialLifetime = 10 * time.Minute
	// TrialURI is the prefix of the request_uri of a trial.
	TrialURI = "urn:ostiary:trial:"
	// TrialParameter is the request parameter that stores the sealed trial of a request. The
	// server sets it.
	TrialParameter = "ostiary_trial"

	trialPurpose = "trial of a client"
)

// ErrNotTrial reports a text that is not a sealed trial of this server.
var ErrNotTrial = errors.New("not a trial of this server")

// Sealer encrypts values for one purpose, as [keyring.Keyring] does.
type Sealer interface {
	Seal(purpose string, plaintext []byte) ([]byte, error)
	Open(purpose string, sealed []byte) ([]byte, error)
}

// Seal returns the trial, encrypted and authenticated.
func (t *Trial) Seal(s Sealer) (string, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	sealed, err := s.Seal(trialPurpose, plain)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// OpenTrial returns the trial that [Trial.Seal] sealed, or [ErrNotTrial].
func OpenTrial(s Sealer, text string) (*Trial, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, ErrNotTrial
	}
	plain, err := s.Open(trialPurpose, sealed)
	if err != nil {
		return nil, ErrNotTrial
	}
	t := &Trial{}
	if err := json.Unmarshal(plain, t); err != nil {
		return nil, ErrNotTrial
	}
	return t, nil
}

// SealedTrial returns the sealed trial in a request_uri, and whether it has one.
func SealedTrial(requestURI string) (sealed string, ok bool) {
	return strings.CutPrefix(requestURI, TrialURI)
}

// Parameters returns the parameters of the authorization request.
func (t *Trial) Parameters() url.Values {
	return url.Values{
		"client_id": {t.ClientID}, "redirect_uri": {t.RedirectURI}, "response_type": {"code"}, "scope": {t.Scope},
		"state": {t.State}, "nonce": {t.Nonce}, "code_challenge": {t.Challenge}, "code_challenge_method": {"S256"},
	}
}
