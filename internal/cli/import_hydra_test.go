package cli_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// taking returns a shell with the database and the arguments that import from Hydra.
func taking(t *testing.T, database, from string) (sh *clitest.Shell, words []string) {
	t.Helper()
	sh = clitest.NewEmptyShell(t)
	sh.Settings = append(sh.Settings, "--set=database_url="+database)
	return sh, []string{"import", "hydra", "--from", from, "--secrets-system", "another one", "--secrets-system", hydraSecret}
}

func TestHydraImport(t *testing.T) {
	t.Parallel()
	for version, tables := range map[string]string{"v1": hydraV1, "v2": hydraV2} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, database string) {
				f := newHydraFixture(t, tables)
				sh, words := taking(t, database, f.url)
				before := storetest.Everything(t, database)
				var rehearsed, done, again cli.HydraReport
				sh.JSON(&rehearsed, append(words, "--dry-run")...)
				if after := storetest.Everything(t, database); !strings.HasPrefix(database, "sqlite:") && !bytes.Equal(before, after) {
					t.Error("a rehearsal changes something")
				}
				sh.JSON(&done, words...)
				sh.JSON(&again, words...)

				want := cli.HydraReport{
					Clients:     cli.Tally{Found: 2, Created: 1, LeftOut: 1},
					SigningKeys: cli.Tally{Found: 1, Created: 1}, Keys: cli.Tally{Found: 1, Created: 1},
					Issuers:  cli.Tally{Found: 2, Created: 1, LeftOut: 1},
					Consents: cli.Tally{Found: 3, Created: 2, LeftOut: 1},
				}
				for name, got := range map[string]*cli.HydraReport{"rehearsed": &rehearsed, "done": &done} {
					if got.Clients != want.Clients || got.SigningKeys != want.SigningKeys || got.Keys != want.Keys ||
						got.Issuers != want.Issuers || got.Consents != want.Consents || got.Left.RefreshTokens != 2 || got.Left.Sessions != 1 {
						t.Errorf("%s: %+v, want %+v", name, got, want)
					}
				}
				for name, got := range map[string]cli.Tally{
					"clients": again.Clients, "signing keys": again.SigningKeys, "keys": again.Keys, "issuers": again.Issuers, "consents": again.Consents,
				} {
					if got.Created != 0 || got.Updated != 0 || got.Unchanged == 0 {
						t.Errorf("%s the second time: %+v, want nothing changed", name, got)
					}
				}
				f.arrived(database)
			})
		})
	}
}

// arrived verifies the imported data.
func (f *hydraFixture) arrived(database string) {
	t := f.t
	t.Helper()
	s := servertest.Start(t, storetest.Open(t, database), nil)
	ctx := t.Context()

	web, err := s.Store.Clients.Client(ctx, "shop")
	if err != nil || web.ClientName != "The Web" || web.Owner != "team" || len(web.RedirectURIs) != 1 || web.CreatedAt.Year() != 2020 {
		t.Errorf("the client is %+v, %v", web, err)
	}
	for secret, want := range map[string]int{"a secret of nobody": http.StatusUnauthorized, "a secret of somebody": http.StatusOK} {
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("shop", url.QueryEscape(secret))
		if p := servertest.Send(t, http.DefaultClient, r); p.Status != want {
			t.Errorf("with %q: %d %s, want %d", secret, p.Status, p.Body, want)
		}
	}

	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","kid":"`+f.kid+`","typ":"JWT"}`)) + "." + encode([]byte(`{}`))
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, f.signing, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.App.Keys.Verify(signed+"."+encode(signature), "JWT"); err != nil {
		t.Errorf("an ID token of before: %v", err)
	}
	key, err := s.Store.KeySets.Key(ctx, "mine", "k1")
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := key.Open(s.App.Secrets); err != nil || !bytes.Contains(whole, []byte(`"d"`)) {
		t.Errorf("the key of a set: %v", err)
	}
	if trust, err := s.Store.TrustedIssuers.Trust(ctx, "11111111-2222-4333-8444-555555555555"); err != nil || !trust.AnySubject() || len(trust.Scopes) != 2 {
		t.Errorf("the trusted issuer is %+v, %v", trust, err)
	}

	for subject, want := range map[string]string{
		"alice": `{"id_token":{"nick":"al"},"access_token":{"tenant":7}}`, "erin": `{"known_as":"erin at shop"}`,
	} {
		_, c, err := s.Store.Sessions.SessionAndConsent(ctx, servertest.CreateSession(s, subject), "shop", s.Time())
		if err != nil || c == nil {
			t.Errorf("the consent of %s: %+v, %v", subject, c, err)
			continue
		}
		if got, _ := json.Marshal(c.ExtraClaims); string(got) != want {
			t.Errorf("the consent of %s adds %s, want %s", subject, got, want)
		}
		if subject == "alice" && (!c.Covers([]string{"openid", "api"}) || !c.ExpiresAt.IsZero()) {
			t.Errorf("the consent of %s is %+v, want the latest", subject, c)
		}
	}
	for _, subject := range []string{"bob", "carol", "dave", "fred"} {
		if a, err := s.Store.Accounts.Account(ctx, subject); err == nil {
			t.Errorf("there is an account %+v, of whom nothing came over", a)
		}
	}
}
