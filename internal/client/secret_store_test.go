package client

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// glass is a sealer without encryption: it prefixes the value with its key and the purpose.
type glass string

var errLocked = errors.New("does not open")

func (g glass) Seal(purpose string, plaintext []byte) ([]byte, error) {
	return []byte(string(g) + purpose + "|" + string(plaintext)), nil
}

func (glass) Open(purpose string, sealed []byte) ([]byte, error) {
	if text, ok := strings.CutPrefix(string(sealed[1:]), purpose+"|"); ok {
		return []byte(text), nil
	}
	return nil, errLocked
}

func (g glass) SealedUnderFirst(sealed []byte) bool { return string(sealed[:1]) == string(g) }

const strongSecret = "gX2mSbq1cVtY7wJd0uLk9eRzHn4oPfAi" // 32 bytes

func signing(method, alg string) *Client {
	return &Client{ID: "app", Metadata: Metadata{TokenEndpointAuthMethod: method, TokenEndpointAuthSigningAlg: alg}}
}

func TestSecretStoreSetsTheFormOfTheAuthenticationMethod(t *testing.T) {
	t.Parallel()

	secrets := SecretStore{Hasher: reversed{}, Sealer: glass("a")}
	for _, method := range []string{AuthBasic, AuthPost, AuthSecretJWT} {
		c := signing(method, "")
		if err := secrets.Set(t.Context(), c, strongSecret); err != nil {
			t.Fatal(err)
		}
		if c.Secret.IsSealed() != (method == AuthSecretJWT) {
			t.Errorf("%s keeps %q", method, c.Secret)
		}
		for secret, want := range map[string]bool{strongSecret: true, strongSecret + "x": false, "": false} {
			if fits, err := secrets.Verify(t.Context(), c, secret); fits != want || err != nil {
				t.Errorf("%s: %q fits: %t, %v, want %t", method, secret, fits, err, want)
			}
		}
		if fits, err := c.Secret.Verify(t.Context(), reversed{}, strongSecret); err != nil || fits == c.Secret.IsSealed() {
			t.Errorf("%s: the secret passes where it is sent: %t, %v", method, fits, err)
		}
	}
}

func TestSealedSecretIsBoundToItsClient(t *testing.T) {
	t.Parallel()

	c := signing(AuthSecretJWT, "")
	if err := (SecretStore{Sealer: glass("a")}).Set(t.Context(), c, strongSecret); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Secret.Reveal(glass("a"), "app"); got != strongSecret || err != nil {
		t.Errorf("Reveal = %q, %v", got, err)
	}
	if got, err := c.Secret.Reveal(glass("a"), "other"); err == nil {
		t.Errorf("in another's row it opens to %q", got)
	}
	if _, err := c.Secret.Reveal(nil, "app"); !errors.Is(err, ErrNoSealer) {
		t.Errorf("without a vault: %v, want %v", err, ErrNoSealer)
	}
	if err := (SecretStore{}).Set(t.Context(), c, strongSecret); !errors.Is(err, ErrNoSealer) {
		t.Errorf("kept without a vault: %v, want %v", err, ErrNoSealer)
	}
	for _, kept := range []Secret{"", "hmac-sha256$AAAA$AAAA", "sealed$*", "$argon2id$x"} {
		if got, err := kept.Reveal(glass("a"), "app"); err == nil {
			t.Errorf("%q opens to %q", kept, got)
		}
	}
}

func TestSecretsForSignaturesHaveAMinimumLength(t *testing.T) {
	t.Parallel()

	for alg, least := range map[string]int{"": 32, "HS256": 32, "HS384": 48, "HS512": 64} {
		m := &signing(AuthSecretJWT, alg).Metadata
		if err := m.CheckSecret(strings.Repeat("x", least)); err != nil {
			t.Errorf("%s with %d bytes: %v", alg, least, err)
		}
		if m.CheckSecret(strings.Repeat("x", least-1)) == nil {
			t.Errorf("%s takes a secret of %d bytes", alg, least-1)
		}
		if err := m.CheckSecret(m.NewSecret()); err != nil {
			t.Errorf("%s: of our own making: %v", alg, err)
		}
	}
}

func TestAdaptConvertsTheSecretIfPossible(t *testing.T) {
	t.Parallel()

	secrets := SecretStore{Hasher: reversed{}, Sealer: glass("a")}
	for name, tc := range map[string]struct {
		before, after *Client
		stays         bool
	}{
		"from one header to the form":   {signing(AuthBasic, ""), signing(AuthPost, ""), true},
		"from signing to sending":       {signing(AuthSecretJWT, ""), signing(AuthBasic, ""), true},
		"still signing":                 {signing(AuthSecretJWT, ""), signing(AuthSecretJWT, "HS256"), true},
		"signing with what it is short": {signing(AuthSecretJWT, ""), signing(AuthSecretJWT, "HS512"), false},
		"from sending to signing":       {signing(AuthBasic, ""), signing(AuthSecretJWT, ""), false},
		"from signing to a key":         {signing(AuthSecretJWT, ""), signing(AuthPrivateKeyJWT, ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if err := secrets.Set(t.Context(), tc.before, strongSecret); err != nil {
				t.Fatal(err)
			}
			c := tc.after
			c.Secret = tc.before.Secret
			if err := secrets.Adapt(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			fits, err := secrets.Verify(t.Context(), c, strongSecret)
			if err != nil || fits != tc.stays || (c.Secret == "") == tc.stays {
				t.Errorf("keeps %q, which fits: %t, %v, want %t", c.Secret, fits, err, tc.stays)
			}
			if c.Secret != "" && c.Secret.IsSealed() != (c.TokenEndpointAuthMethod == AuthSecretJWT) {
				t.Errorf("keeps %q for %s", c.Secret, c.TokenEndpointAuthMethod)
			}
		})
	}
}

func TestResealChangesOnlyOldSecrets(t *testing.T) {
	t.Parallel()

	c := signing(AuthSecretJWT, "")
	if err := (SecretStore{Sealer: glass("a")}).Set(t.Context(), c, strongSecret); err != nil {
		t.Fatal(err)
	}
	resealed, err := c.Secret.Reseal(glass("b"), "app")
	if err != nil || resealed == c.Secret {
		t.Fatalf("Reseal = %q, %v", resealed, err)
	}
	if got, err := resealed.Reveal(glass("b"), "app"); got != strongSecret || err != nil {
		t.Errorf("afterwards it is %q, %v", got, err)
	}
	if again, err := resealed.Reseal(glass("b"), "app"); again != resealed || err != nil {
		t.Errorf("once more: %q, %v", again, err)
	}
	if same, err := Secret("hmac-sha256$AAAA$AAAA").Reseal(glass("b"), "app"); same != "hmac-sha256$AAAA$AAAA" || err != nil {
		t.Errorf("a hash became %q, %v", same, err)
	}
	if _, err := c.Secret.Reseal(glass("b"), "other"); err == nil {
		t.Error("another client's secret was resealed")
	}
}

// Replacing a secret revokes the registration access token, which a holder of a leaked secret may
// have created.
func TestNewSecretEndsRegistrationTokens(t *testing.T) {
	t.Parallel()

	secrets := SecretStore{Hasher: reversed{}, Sealer: glass("a")}
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		change func(c *Client) error
		ends   bool
	}{
		"another secret":  {func(c *Client) error { return secrets.Set(t.Context(), c, strongSecret+"x") }, true},
		"the same secret": {func(c *Client) error { return secrets.Set(t.Context(), c, strongSecret) }, false},
		"a rotation": {func(c *Client) error {
			_, err := secrets.Rotate(t.Context(), c, now, now.Add(time.Hour))
			return err
		}, true},
		"a method without a secret": {func(c *Client) error {
			c.TokenEndpointAuthMethod = AuthNone
			return secrets.Adapt(t.Context(), c)
		}, true},
		"a method that needs another form": {func(c *Client) error {
			c.TokenEndpointAuthMethod = AuthSecretJWT
			return secrets.Adapt(t.Context(), c)
		}, true},
		"the same secret in another form": {func(c *Client) error {
			c.TokenEndpointAuthMethod = AuthSecretJWT
			return secrets.Set(t.Context(), c, strongSecret)
		}, false},
		"a method with the same form": {func(c *Client) error {
			c.TokenEndpointAuthMethod = AuthPost
			return secrets.Adapt(t.Context(), c)
		}, false},
		"a secret that was sealed, in the clear": {func(c *Client) error {
			c.TokenEndpointAuthMethod = AuthSecretJWT
			if err := secrets.Set(t.Context(), c, strongSecret); err != nil {
				return err
			}
			c.TokenEndpointAuthMethod = AuthBasic
			return secrets.Adapt(t.Context(), c)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := signing(AuthBasic, "")
			if err := secrets.Set(t.Context(), c, strongSecret); err != nil {
				t.Fatal(err)
			}
			c.RegistrationToken, c.PreviousToken, c.PreviousUntil = []byte("current"), []byte("previous"), now.Add(time.Minute)
			if err := tc.change(c); err != nil {
				t.Fatal(err)
			}
			ended := c.RegistrationToken == nil && c.PreviousToken == nil && c.PreviousUntil.IsZero()
			kept := c.RegistrationToken != nil && c.PreviousToken != nil && !c.PreviousUntil.IsZero()
			if ended != tc.ends || kept == tc.ends {
				t.Errorf("tokens %q and %q until %v, want them to end: %t", c.RegistrationToken, c.PreviousToken, c.PreviousUntil, tc.ends)
			}
		})
	}
}
