package clientauth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
)

const (
	importedSecret = "a secret of somebody"
	pbkdf2Secret   = "$pbkdf2-sha256$i=25000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4"
	// bcryptSecret is made of 72 characters.
	bcryptSecret = "$2a$04$YVdgv1XMTBM.CAwce2exSudbhC88XeuWIswgcCDf4e5tS1xYQiRq."
)

// renewed stores the secret of one client, or fails.
type renewed struct {
	mu    sync.Mutex
	kept  *client.Client
	times int
	err   error
}

func (r *renewed) ReplaceClientSecret(_ context.Context, _ string, old, replaced client.Secret) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times++
	if r.err != nil || r.kept.Secret != old {
		return errors.Join(r.err, client.ErrConflict)
	}
	r.kept.Secret = replaced
	return nil
}

func imported(kept client.Secret) (*Authenticator, *renewed) {
	c := &client.Client{ID: "came", Secret: kept, Metadata: client.Metadata{TokenEndpointAuthMethod: client.AuthPost}}
	a := newAuthenticator(c)
	r := &renewed{kept: c}
	a.cfg.Renewals = r
	return a, r
}

func TestLegacyHashIsReplacedOnFirstUse(t *testing.T) {
	t.Parallel()

	for kept, tc := range map[client.Secret]struct{ secret, form string }{
		pbkdf2Secret: {importedSecret, "$argon2id$"},
		bcryptSecret: {strings.Repeat("1234567890", 7) + "12", "hmac-sha256$"},
	} {
		a, r := imported(kept)
		for _, wrong := range []string{tc.secret + "x", "x" + tc.secret[1:]} {
			if _, err := a.Authenticate(t.Context(), form("client_id", "came", "client_secret", wrong)); err == nil {
				t.Errorf("%s: %q authenticates", kept, wrong)
			}
		}
		if r.times != 0 {
			t.Errorf("%s: a wrong secret was kept", kept)
		}
		for range 2 {
			if _, err := a.Authenticate(t.Context(), form("client_id", "came", "client_secret", tc.secret)); err != nil {
				t.Fatalf("%s: %v", kept, err)
			}
		}
		if r.times != 1 || !strings.HasPrefix(string(r.kept.Secret), tc.form) {
			t.Errorf("%s: kept anew %d times, at last as %s; want once, as %s", kept, r.times, r.kept.Secret, tc.form)
		}
	}
}

func TestClientPassesIfItsHashCannotBeReplaced(t *testing.T) {
	t.Parallel()

	a, r := imported(pbkdf2Secret)
	r.err = errors.New("the database is away")
	for range 2 {
		if _, err := a.Authenticate(t.Context(), form("client_id", "came", "client_secret", importedSecret)); err != nil {
			t.Fatal(err)
		}
	}
	if r.kept.Secret != pbkdf2Secret {
		t.Errorf("kept %s, want what was there", r.kept.Secret)
	}
}

// A long secret may be behind the hash of another server, so that all guesses cost, and
// all are counted.
func TestAttemptsAtImportedSecretsAreLimited(t *testing.T) {
	t.Parallel()

	a, _ := imported(bcryptSecret)
	slow := &counted{Hasher: credential.NewHasher(8, 1, 4, time.Minute)}
	a.cfg.Hasher, a.cfg.Throttle = slow, &tally{}
	throttled := false
	for range 110 {
		_, err := a.Authenticate(t.Context(), form("client_id", "came", "client_secret", strings.Repeat("x", machineMade)))
		got := refusalOf(t, err)
		throttled = throttled || got.RetryAfter > 0
	}
	if n := slow.verified.Load(); n != 100 || !throttled {
		t.Errorf("%d guesses were looked at, throttled: %t; want 100", n, throttled)
	}
}
