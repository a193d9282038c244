package login

import (
	"testing"

	"github.com/ostiary/ostiary/internal/activity"
)

func TestSignInsAndFailuresAreRecorded(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	page := b.get(t, "/login?request="+b.begin(t, "scope=openid"))
	for _, username := range []string{"ada", "Ada", "nobody"} {
		b.submit(t, page, "username", username, "password", "not the password")
	}
	b.signIn(t, "ada")
	h.failures.Flush(t.Context())

	list, err := h.store.Activity.ListActivity(t.Context(), "sub-ada", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[activity.Kind]int{}
	for _, e := range list {
		counts[e.Kind] += e.Count
		if e.Kind == activity.SignInFailed && e.Network != "127.0.0.1/32" || e.Kind == activity.SignedIn && e.Detail != "pwd" {
			t.Errorf("event %+v", e)
		}
	}
	if len(list) != 2 || counts[activity.SignInFailed] != 2 || counts[activity.SignedIn] != 1 {
		t.Errorf("events %v in %d rows, want 2 failures in one and one sign-in", counts, len(list))
	}
}
