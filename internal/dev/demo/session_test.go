package demo_test

import (
	"net/url"
	"testing"
)

func TestRejectedRefreshShowsErrorAndKeepsSession(t *testing.T) {
	t.Parallel()
	provider := newProvider(t)
	provider.noRefresh = true
	b := open(t, provider.URL)

	b.get("/signin")
	status, page := b.press("/refresh")
	b.mustShow(status, page, 502, "could not be refreshed", `<code id="demo-error-code">invalid_grant</code>`)
	status, page = b.get("/")
	b.mustShow(status, page, 200, `id="greeting"`)
}

func TestRefreshOfAnotherUserIsRejected(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		claims map[string]any
		again  func(*browser) (int, string)
		want   string
	}{
		"with a refresh": {
			map[string]any{"sub": "eve"}, func(b *browser) (int, string) { return b.press("/refresh") }, "for another sign-in",
		},
		"with a refresh that carries nonce of the ID token differs": {
			map[string]any{"nonce": "another"}, func(b *browser) (int, string) { return b.press("/refresh") }, "for another sign-in",
		},
		"without a page": {
			map[string]any{"sub": "eve"}, func(b *browser) (int, string) { return b.get("/signin?ask=silent") }, "for another user",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := newProvider(t)
			b := open(t, provider.URL)

			b.get("/signin")
			provider.turn(func() {
				provider.claims = tc.claims
				if sub, ok := tc.claims["sub"].(string); ok {
					provider.subject = sub
				}
			})
			status, page := tc.again(b)
			b.mustShow(status, page, 502, tc.want)
			status, page = b.get("/")
			b.mustShow(status, page, 200, `id="greeting"`, "&#34;sub&#34;: &#34;ada&#34;")
		})
	}
}

func TestSecondSignInReplacesSession(t *testing.T) {
	t.Parallel()
	b := open(t, newProvider(t).URL)

	b.get("/signin")
	home, err := url.Parse(b.base)
	if err != nil {
		t.Fatalf("parse address: %v", err)
	}
	before := b.Jar.Cookies(home)
	status, page := b.get("/signin")
	b.mustShow(status, page, 200, `id="greeting"`)

	b.Jar = jar(t)
	b.Jar.SetCookies(home, before)
	status, page = b.get("/")
	b.mustShow(status, page, 200, `id="signin"`)
}

func TestSignOutIsBoundToBrowser(t *testing.T) {
	t.Parallel()
	provider := newProvider(t)
	b := open(t, provider.URL)

	b.get("/signin")
	b.press("/signout")
	b.Jar = jar(t)
	status, page := b.get("/signed-out?state=" + provider.lastLogout().Get("state"))
	b.mustShow(status, page, 400, "did not start here")
}

func TestLocalSignOutKeepsProviderSession(t *testing.T) {
	t.Parallel()
	provider := newProvider(t)
	b := open(t, provider.URL)

	b.get("/signin")
	status, page := b.press("/forget")
	b.mustShow(status, page, 200, `id="signin"`)
	if got := provider.lastLogout(); got != nil {
		t.Errorf("the provider received a logout request: %v", got)
	}
}
