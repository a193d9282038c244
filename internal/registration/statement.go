package registration

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
)

// skew is how far another's clock may be from ours.
const skew = 30 * time.Second

var (
	// errUnapproved reports a software statement of nobody whom the operator trusts.
	errUnapproved = errors.New("software statement of an issuer that is not trusted")
	// errBadStatement reports a software statement that is not what it should be.
	errBadStatement = errors.New("software statement cannot be used")
)

// believe lets the claims of the software statement take the place of what the
// client says of itself, if there is a statement and it comes from somebody whom the
// operator trusts. Which it is stays among the members, as it came. One that the
// client registered with before need not be of today.
//
// Spec: RFC 7591 sections 2.3 and 3.1.1.
func (h *Handler) believe(members map[string]json.RawMessage, known string) error {
	raw, ok := members["software_statement"]
	if !ok || string(raw) == "null" {
		return nil
	}
	var statement string
	if err := json.Unmarshal(raw, &statement); err != nil {
		return fmt.Errorf("%w: not a string", errBadStatement)
	}
	if len(h.StatementKeys) == 0 {
		return fmt.Errorf("%w: there are no keys", errUnapproved)
	}
	claims, err := h.verifyStatement(statement, statement == known)
	if err != nil {
		return err
	}
	// What a JWT says of itself, and what no statement has a say in.
	own := []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "client_secret", "software_statement"}
	maps.DeleteFunc(claims, func(name string, _ json.RawMessage) bool { return slices.Contains(own, name) })
	// What it says in no language stands in all of them, but for those it says it in.
	maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool {
		base, _, tagged := strings.Cut(name, "#")
		_, said := claims[base]
		return tagged && said
	})
	maps.Copy(members, claims)
	return nil
}

// verifyStatement returns the claims of a statement that one of its issuer's keys
// signed.
func (h *Handler) verifyStatement(statement string, seen bool) (map[string]json.RawMessage, error) {
	jws, err := jose.ParseSignedCompact(statement, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadStatement, err)
	}
	claims, says, err := readStatement(jws.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, err
	}
	keys, ok := h.StatementKeys[says.Issuer]
	if !ok {
		return nil, errUnapproved
	}
	header := jws.Signatures[0].Header
	signed := func(key jose.JSONWebKey) bool {
		if key.Use == "enc" || header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			return false
		}
		_, err := jws.Verify(key.Key)
		return err == nil
	}
	if !slices.ContainsFunc(keys, signed) {
		return nil, fmt.Errorf("%w: no key of its issuer signed it", errBadStatement)
	}
	if err := says.check(h.Now(), h.Issuer, seen); err != nil {
		return nil, err
	}
	return claims, nil
}

// statementClaims are what a statement says of itself.
type statementClaims struct {
	Issuer    string          `json:"iss"`
	Audience  json.RawMessage `json:"aud"`
	Expiry    *float64        `json:"exp"`
	NotBefore *float64        `json:"nbf"`
}

func readStatement(payload []byte) (claims map[string]json.RawMessage, says statementClaims, err error) {
	if err := json.Unmarshal(payload, &claims); err != nil || claims == nil {
		return nil, says, fmt.Errorf("%w: its claims are no object", errBadStatement)
	}
	if err := json.Unmarshal(payload, &says); err != nil {
		return nil, says, fmt.Errorf("%w: %w", errBadStatement, err)
	}
	if says.Issuer == "" {
		return nil, says, fmt.Errorf("%w: it names no issuer", errBadStatement)
	}
	return claims, says, nil
}

// check holds a statement against time and place. One without an end or an
// audience is good always and everywhere (RFC 7591 leaves both out).
func (s statementClaims) check(now time.Time, issuer string, seen bool) error {
	seconds := float64(now.Unix()) // a number of theirs may be beyond all times
	switch {
	case s.Expiry != nil && !seen && seconds >= *s.Expiry+skew.Seconds():
		return fmt.Errorf("%w: it has ended", errBadStatement)
	case s.NotBefore != nil && seconds < *s.NotBefore-skew.Seconds():
		return fmt.Errorf("%w: it has not begun", errBadStatement)
	}
	if len(s.Audience) == 0 {
		return nil
	}
	var one string
	var many []string
	if json.Unmarshal(s.Audience, &one) != nil && json.Unmarshal(s.Audience, &many) != nil {
		return fmt.Errorf("%w: its audience is neither a string nor a list of them", errBadStatement)
	}
	if one != issuer && !slices.Contains(many, issuer) {
		return fmt.Errorf("%w: it is for others", errBadStatement)
	}
	return nil
}

// ReadStatementKeys reads who is trusted to make software statements, and by which
// keys: a JSON object of JWK Sets under the names of their issuers. Keys of kinds that the
// server does not use are ignored with a warning, unless an issuer has no other.
func ReadStatementKeys(text []byte) (trusted map[string][]jose.JSONWebKey, warnings []string, err error) {
	var sets map[string]json.RawMessage
	if err := json.Unmarshal(text, &sets); err != nil {
		return nil, nil, errors.New("must be a JSON object of JWK Sets under the names of their issuers")
	}
	trusted = make(map[string][]jose.JSONWebKey, len(sets))
	for issuer, set := range sets {
		keys, bad := client.ReadKeySet(set)
		odd := client.KeyWarnings(set)
		if len(bad) > len(odd) || len(bad) > 0 && len(keys) == 0 {
			return nil, nil, fmt.Errorf("the keys of %s: %w", issuer, errors.Join(bad...))
		}
		if issuer == "" || len(keys) == 0 {
			return nil, nil, fmt.Errorf("the issuer %q has no keys, or no name", issuer)
		}
		for _, warning := range odd {
			warnings = append(warnings, issuer+": "+warning)
		}
		trusted[issuer] = keys
	}
	return trusted, warnings, nil
}
