package login

import (
	"net/http"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// A user signs in with a verified address; attempts at it count for the account.
func TestSignInWithAVerifiedAddress(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	_, err := h.store.Accounts.ChangeAccount(t.Context(), "sub-ada", h.now(), func(a *account.Account) error {
		return a.SetAddresses([]account.Address{{Address: "ada@home.example", VerifiedAt: h.now(), Primary: true}, {Address: "open@home.example"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	for _, name := range []string{"open@home.example", "nobody@home.example"} {
		expect(t, b.guess(t, id, name, password), http.StatusForbidden, "Incorrect username or password")
	}
	h.wait(5 * time.Minute)
	b.guesses(t, id, " ADA@Home.example ", 5)
	b.guesses(t, id, "ada", 5)
	throttledFor(t, b.guess(t, id, "ada@home.example", password), time.Minute, 10*time.Minute)
	h.wait(10 * time.Minute)
	if got := b.guess(t, id, "Ada@home.example", password); got.status != http.StatusSeeOther {
		t.Fatalf("sign-in by the verified address = %d %s, want 303", got.status, got.body)
	}
	if s, _ := b.session(t); s.Subject != "sub-ada" {
		t.Errorf("the session is of %s", s.Subject)
	}
}
