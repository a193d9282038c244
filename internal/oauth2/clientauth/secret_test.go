package clientauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// checkFault fails unless a returns the error want for r, which must not be an error response.
func checkFault(t *testing.T, a *Authenticator, r *http.Request, want error) {
	t.Helper()
	_, err := a.Authenticate(t.Context(), r)
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
	if refused, ok := errors.AsType[*oauth2.Error](err); ok {
		t.Errorf("a fault became the refusal %+v", refused)
	}
}

func TestWrongSecretRevealsNothingAboutTheClient(t *testing.T) {
	t.Parallel()

	disabled := withSecret(t, "disabled", client.AuthPost, shortSecret)
	disabled.Disabled = true
	clients := []*client.Client{
		withSecret(t, "long", client.AuthPost, longSecret),
		withSecret(t, "short", client.AuthPost, shortSecret),
		withSecret(t, "basic", client.AuthBasic, shortSecret),
		withKeys(t, "signer", ecJWK(0)), public("app"), disabled,
	}
	for _, guess := range []struct {
		secret string
		hashes int64
	}{
		{"open barley", 1},
		{strings.Repeat("x", machineMade-1), 1},
		{strings.Repeat("x", machineMade), 0},
		{strings.Repeat("x", client.MaxSecret+1), 0},
	} {
		for _, id := range []string{"unknown", "long", "short", "basic", "signer", "app", "disabled"} {
			a := newAuthenticator(clients...)
			slow := &counted{Hasher: a.cfg.Hasher}
			a.cfg.Hasher = slow

			_, err := a.Authenticate(t.Context(), form("client_id", id, "client_secret", guess.secret))
			got := refusalOf(t, err)
			if got.Code != oauth2.CodeInvalidClient || got.Description != failed("", refusal.AuthFailed).Description {
				t.Errorf("%q with %d bytes: refusal %+v tells it apart", id, len(guess.secret), got)
			}
			if n := slow.verified.Load(); n != guess.hashes {
				t.Errorf("%q with %d bytes cost %d slow hashes, want %d", id, len(guess.secret), n, guess.hashes)
			}
		}
	}
}

func TestMethodMismatchIsReportedOnlyWithTheSecret(t *testing.T) {
	t.Parallel()

	a := newAuthenticator(withSecret(t, "post", client.AuthPost, longSecret))
	_, right := a.Authenticate(t.Context(), basic(form(), "post", longSecret))
	_, wrong := a.Authenticate(t.Context(), basic(form(), "post", longSecret+"x"))
	if got := refusalOf(t, right).Description; !strings.Contains(got, "token_endpoint_auth_method") {
		t.Errorf("with the right secret the description is %q", got)
	}
	if got := refusalOf(t, wrong).Description; got != failed("", refusal.AuthFailed).Description {
		t.Errorf("with a wrong secret the description is %q", got)
	}
}

func TestMachineMadeMatchesPackageClient(t *testing.T) {
	t.Parallel()

	for _, n := range []int{machineMade - 1, machineMade} {
		secret := strings.Repeat("x", n)
		kept, err := client.HashSecret(t.Context(), hasher(), secret)
		if err != nil {
			t.Fatal(err)
		}
		slow := &counted{Hasher: hasher()}
		if ok, err := kept.Verify(t.Context(), slow, secret); !ok || err != nil {
			t.Fatalf("Verify = %t, %v", ok, err)
		}
		if got, want := slow.verified.Load() == 1, n < machineMade; got != want {
			t.Errorf("a secret of %d bytes is kept slowly: %t, want %t", n, got, want)
		}
	}
}

// busy is a hasher without free slots.
type busy struct{ client.Hasher }

func (busy) Verify(context.Context, string, string) (bool, error) { return false, credential.ErrBusy }

func TestABusyHasherIsNoVerdict(t *testing.T) {
	t.Parallel()

	a := newAuthenticator(
		withSecret(t, "short", client.AuthPost, shortSecret),
		withSecret(t, "long", client.AuthPost, longSecret),
	)
	a.cfg.Hasher = busy{}
	for _, id := range []string{"short", "long", "unknown"} {
		checkFault(t, a, form("client_id", id, "client_secret", shortSecret), credential.ErrBusy)
	}
	if _, err := a.Authenticate(t.Context(), form("client_id", "long", "client_secret", longSecret)); err != nil {
		t.Errorf("a long secret waited for the hasher: %v", err)
	}
}
