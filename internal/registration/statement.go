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

// skew is the tolerated difference between clocks.
const skew = 30 * time.Second

var (
	// errUnapproved reports a software statement of an untrusted issuer.
	errUnapproved = errors.New("the issuer of the software statement is not trusted")
	// errBadStatement reports an invalid software statement.
	errBadStatement = errors.New("invalid software statement")
)

// statements verifies software statements.
type statements struct {
	keys   map[string][]jose.JSONWebKey // by issuer
	issuer string                       // of this server
	now    time.Time
}

// apply verifies the software statement, if there is one, and lets its claims replace the
// members of the client. The statement itself remains a member. An expired statement is
// accepted if the client registered with it before (registered).
//
// Spec: RFC 7591 §2.3, §3.1.1.
func (s statements) apply(members map[string]json.RawMessage, registered string) error {
	raw, ok := members["software_statement"]
	if !ok || string(raw) == "null" {
		return nil
	}
	var statement string
	if err := json.Unmarshal(raw, &statement); err != nil {
		return fmt.Errorf("%w: not a string", errBadStatement)
	}
	if len(s.keys) == 0 {
		return fmt.Errorf("%w: no issuers are configured", errUnapproved)
	}
	claims, err := s.verify(statement, statement == registered)
	if err != nil {
		return err
	}
	// The claims about the statement itself, and members that a statement cannot set.
	excluded := []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "client_secret", "software_statement"}
	maps.DeleteFunc(claims, func(name string, _ json.RawMessage) bool { return slices.Contains(excluded, name) })
	// A claim without a language replaces the member in all languages.
	maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool {
		base, _, tagged := strings.Cut(name, "#")
		_, replaced := claims[base]
		return tagged && replaced
	})
	maps.Copy(members, claims)
	return nil
}

// verify returns the claims of a statement that a trusted issuer has signed.
func (s statements) verify(statement string, registered bool) (map[string]json.RawMessage, error) {
	jws, err := jose.ParseSignedCompact(statement, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadStatement, err)
	}
	claims, about, err := readStatement(jws.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, err
	}
	keys, ok := s.keys[about.Issuer]
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
		return nil, fmt.Errorf("%w: no key of its issuer verifies the signature", errBadStatement)
	}
	if err := about.check(s.now, s.issuer, registered); err != nil {
		return nil, err
	}
	return claims, nil
}

// statementClaims are the claims of a statement about itself.
type statementClaims struct {
	Issuer    string          `json:"iss"`
	Audience  json.RawMessage `json:"aud"`
	Expiry    *float64        `json:"exp"`
	NotBefore *float64        `json:"nbf"`
}

func readStatement(payload []byte) (claims map[string]json.RawMessage, about statementClaims, err error) {
	if err := json.Unmarshal(payload, &claims); err != nil || claims == nil {
		return nil, about, fmt.Errorf("%w: the claims are not a JSON object", errBadStatement)
	}
	if err := json.Unmarshal(payload, &about); err != nil {
		return nil, about, fmt.Errorf("%w: %w", errBadStatement, err)
	}
	if about.Issuer == "" {
		return nil, about, fmt.Errorf("%w: iss is missing", errBadStatement)
	}
	return claims, about, nil
}

// check validates the times and the audience of a statement. A statement without exp does
// not expire, and one without aud is valid for every server (RFC 7591 has neither as
// required).
func (s statementClaims) check(now time.Time, issuer string, registered bool) error {
	seconds := float64(now.Unix()) // a NumericDate may exceed the range of time.Time
	switch {
	case s.Expiry != nil && !registered && seconds >= *s.Expiry+skew.Seconds():
		return fmt.Errorf("%w: it has expired", errBadStatement)
	case s.NotBefore != nil && seconds < *s.NotBefore-skew.Seconds():
		return fmt.Errorf("%w: it is not valid yet", errBadStatement)
	}
	if len(s.Audience) == 0 {
		return nil
	}
	var one string
	var many []string
	if json.Unmarshal(s.Audience, &one) != nil && json.Unmarshal(s.Audience, &many) != nil {
		return fmt.Errorf("%w: aud is neither a string nor a list of strings", errBadStatement)
	}
	if one != issuer && !slices.Contains(many, issuer) {
		return fmt.Errorf("%w: aud does not contain this issuer", errBadStatement)
	}
	return nil
}

// ReadStatementKeys parses the trusted issuers of software statements: a JSON object of
// JWK Sets by issuer. Keys of unsupported types are ignored with a warning, unless an
// issuer has no other key.
func ReadStatementKeys(text []byte) (trusted map[string][]jose.JSONWebKey, warnings []string, err error) {
	var sets map[string]json.RawMessage
	if err := json.Unmarshal(text, &sets); err != nil {
		return nil, nil, errors.New("must be a JSON object of JWK Sets, with the issuers as names")
	}
	trusted = make(map[string][]jose.JSONWebKey, len(sets))
	for issuer, set := range sets {
		keys, bad := client.ReadKeySet(set)
		odd := client.KeyWarnings(set)
		if len(bad) > len(odd) || len(bad) > 0 && len(keys) == 0 {
			return nil, nil, fmt.Errorf("the keys of %s: %w", issuer, errors.Join(bad...))
		}
		if issuer == "" || len(keys) == 0 {
			return nil, nil, fmt.Errorf("the issuer %q has no keys, or is empty", issuer)
		}
		for _, warning := range odd {
			warnings = append(warnings, issuer+": "+warning)
		}
		trusted[issuer] = keys
	}
	return trusted, warnings, nil
}
