package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
)

// clientFlags describe a client on the command line. One that is not given says
// nothing; an empty one clears. Whatever has no flag can be imported.
type clientFlags struct {
	Name                  *string  `help:"The name that people read." placeholder:"TEXT"`
	RedirectURI           []string `help:"Where answers may go; may be repeated." sep:"none" placeholder:"URI"`
	PostLogoutRedirectURI []string `help:"Where people may go after signing out; may be repeated." sep:"none" placeholder:"URI"`
	GrantType             []string `help:"authorization_code, refresh_token or client_credentials; may be repeated." placeholder:"TYPE"`
	ResponseType          []string `help:"code; may be repeated." sep:"none" placeholder:"TYPE"`
	Scope                 *string  `help:"Scopes it may ask for, with spaces between them." placeholder:"SCOPES"`
	AuthMethod            *string  `help:"client_secret_basic, client_secret_post, private_key_jwt or none." placeholder:"METHOD"`
	Native                *bool    `help:"It runs on people's devices (RFC 8252)." negatable:""`
	JWKSURI               *string  `help:"Where its public keys are." name:"jwks-uri" placeholder:"URL"`
	SkipConsent           *bool    `help:"Do not ask people whether they allow it." negatable:""`
	AccessTokenFormat     *string  `help:"jwt or opaque, rather than the server's default." placeholder:"FORMAT"`
	Audience              []string `help:"A resource it may ask tokens for (RFC 8707); may be repeated." sep:"none" placeholder:"URI"`
}

// apply changes what the flags say, and completes and validates the whole.
func (f *clientFlags) apply(m *client.Metadata, p client.Policy) error {
	lists := []struct {
		given []string
		into  *[]string
	}{
		{f.RedirectURI, &m.RedirectURIs},
		{f.PostLogoutRedirectURI, &m.PostLogoutRedirectURIs},
		{f.GrantType, &m.GrantTypes},
		{f.ResponseType, &m.ResponseTypes},
		{f.Audience, &m.Audience},
	}
	// The response types follow from the grant types, unless somebody insists.
	if f.GrantType != nil && f.ResponseType == nil {
		m.ResponseTypes = nil
	}
	for _, l := range lists {
		if l.given != nil {
			*l.into = nonempty(l.given)
		}
	}
	texts := []struct {
		given, into *string
	}{
		{f.Name, &m.ClientName},
		{f.Scope, &m.Scope},
		{f.AuthMethod, &m.TokenEndpointAuthMethod},
		{f.JWKSURI, &m.JWKSURI},
		{f.AccessTokenFormat, &m.AccessTokenStrategy},
	}
	for _, t := range texts {
		if t.given != nil {
			*t.into = *t.given
		}
	}
	if f.Native != nil {
		m.ApplicationType = map[bool]string{true: "native", false: "web"}[*f.Native]
	}
	if f.SkipConsent != nil {
		m.SkipConsent = *f.SkipConsent
	}

	var faults []error
	for _, fault := range m.Validate(p) {
		faults = append(faults, errors.New(fault.String()))
	}
	return errors.Join(faults...)
}

func nonempty(list []string) []string {
	var kept []string
	for _, item := range list {
		if item = strings.TrimSpace(item); item != "" {
			kept = append(kept, item)
		}
	}
	return kept
}

// secretFlags bring a client secret that was made elsewhere.
type secretFlags struct {
	Secret     string `help:"Use this client_secret rather than a random one; other people on this machine can see it." xor:"secret" placeholder:"SECRET"`
	SecretFile string `help:"Use the client_secret in this file; - is the standard input." xor:"secret" placeholder:"FILE"`
}

// set gives the client the secret of the flags, or one of its own making if it
// needs one and has none or a fresh one is asked for. It returns a secret that was
// made, which is not to be had again.
func (f *secretFlags) set(ctx context.Context, d *desk, c *client.Client, fresh bool) (made string, err error) {
	secret := f.Secret
	if f.SecretFile != "" {
		text, err := d.readInput(f.SecretFile)
		if err != nil {
			return "", err
		}
		if secret = unended(text); secret == "" {
			return "", fmt.Errorf("%s is empty", f.SecretFile)
		}
	}
	if !c.UsesSecret() {
		if secret != "" || fresh {
			return "", fmt.Errorf("a client that authenticates with %s has no secret", c.TokenEndpointAuthMethod)
		}
		c.Secret = ""
		return "", nil
	}
	if secret == "" && (fresh || c.Secret == "") {
		made = client.NewSecret()
		secret = made
	}
	if secret == "" {
		return "", nil
	}
	if err := client.CheckSecret(secret); err != nil {
		return "", err //nolint:wrapcheck // says what a secret is
	}
	c.Secret, err = client.HashSecret(ctx, newHasher(d.config), secret)
	return made, err //nolint:wrapcheck // names itself
}

// unended is a text without the line end that editors add.
func unended(text []byte) string { return strings.TrimRight(string(text), "\r\n") }
