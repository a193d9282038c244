package login

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
)

func TestConsentPageListsScopes(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	b.signIn(t, "ada")
	id := b.begin(t, "scope=offline_access+secrets+email+email&redirect_uri=https://xn--ntes-gra.example:8443/cb")
	page := b.get(t, "/consent?request="+id)
	expect(t, page, http.StatusOK, "Acme Notes")
	for _, want := range []string{
		"xn--ntes-gra.example:8443", "Ada Lovelace", "ada", "Keep access while you are away", "90 days",
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, wrong := range []string{"secrets", "Recognise you", "accounts.bank.example"} {
		if strings.Contains(page.body, wrong) {
			t.Errorf("the page shows %q", wrong)
		}
	}
	if offline, email := strings.Index(page.body, "Keep access"), strings.Index(page.body, "See your email"); offline > email {
		t.Error("the scopes are not in the order of the request")
	}
	if strings.Count(page.body, "See your email") != 1 {
		t.Error("a scope asked for twice is not shown once")
	}
}

func TestDecisionsAreRecordedAndRemembered(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		fields   []string
		want     authrequest.Decision
		inside   []string // remembered in this session
		outside  []string // and in another one
		outlives time.Duration
	}{
		"accepted for this session": {[]string{"decision", "accept"}, authrequest.Accepted, []string{"openid", "profile"}, nil, 0},
		"accepted for good": {
			[]string{"decision", "accept", "remember", "on"},
			authrequest.Accepted,
			[]string{"openid", "profile"},
			[]string{"openid", "profile"},
			364 * 24 * time.Hour,
		},
		"denied":          {[]string{"decision", "deny"}, authrequest.Denied, nil, nil, 0},
		"denied for good": {[]string{"decision", "deny", "remember", "on"}, authrequest.Denied, nil, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newPageServer(t)
			b := h.browser(t)
			id := b.signIn(t, "ada")
			got := b.submit(t, b.get(t, "/consent?request="+id), tc.fields...)
			if got.status != http.StatusSeeOther || got.location != h.back(id) {
				t.Fatalf("answer = %d to %q, want 303 to %q", got.status, got.location, h.back(id))
			}
			if r := h.request(t, id); r.Decision != tc.want || r.DecidedFor != "sub-ada" {
				t.Errorf("request notes %q for %q, want %q", r.Decision, r.DecidedFor, tc.want)
			}
			remembered(t, b, tc.inside)
			elsewhere := h.browser(t)
			elsewhere.signIn(t, "ada")
			remembered(t, elsewhere, tc.outside)
			if tc.outlives > 0 {
				h.wait(tc.outlives)
				elsewhere.signIn(t, "ada")
				remembered(t, elsewhere, tc.outside)
				h.wait(2 * 24 * time.Hour)
				elsewhere.signIn(t, "ada")
				remembered(t, elsewhere, nil)
			}
		})
	}
}

// TestOptionalScopesCanBeRefusedSingly covers the client member optional_scope.
func TestOptionalScopesCanBeRefusedSingly(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		fields []string
		want   string
	}{
		"all boxes are ticked":     {[]string{"scope profile", "on", "scope email", "on"}, "openid profile email"},
		"one is not ticked":        {[]string{"scope email", "on"}, "openid email"},
		"none is ticked":           {nil, "openid"},
		"another scope is ticked":  {[]string{"scope offline_access", "on"}, "openid"},
		"remembered, with one box": {[]string{"scope email", "on", "remember", "on"}, "openid email"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newPageServer(t)
			c, err := h.store.Clients.Client(t.Context(), clientID)
			if err != nil {
				t.Fatal(err)
			}
			c.OptionalScope = "profile email"
			if err := h.store.Clients.UpdateClient(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			b := h.browser(t)
			b.signIn(t, "ada")
			id := b.begin(t, "redirect_uri=https://notes.example/cb&scope=openid+profile+email")
			page := b.get(t, "/consent?request="+id)
			if got := strings.Count(page.body, `type="checkbox" value="on" checked`); got != 2 {
				t.Errorf("the page has %d ticked boxes, want 2", got)
			}
			got := b.submit(t, page, append(tc.fields, "decision", "accept")...)
			if got.status != http.StatusSeeOther || got.location != h.back(id) {
				t.Fatalf("answer = %d to %q", got.status, got.location)
			}
			r := h.request(t, id)
			parameters, _ := url.ParseQuery(r.Parameters)
			if accepted := parameters.Get(authrequest.ConsentParameter); r.Decision != authrequest.Accepted || accepted != tc.want {
				t.Errorf("request notes %q of %q, want acceptance of %q", r.Decision, accepted, tc.want)
			}
			if parameters.Get("redirect_uri") != "https://notes.example/cb" {
				t.Errorf("the other parameters are %q", r.Parameters)
			}
			remembered(t, b, slices.Sorted(strings.FieldsSeq(tc.want)))
		})
	}
}

func remembered(t *testing.T, b *browser, want []string) {
	t.Helper()
	var got []string
	if _, consent := b.session(t); consent != nil {
		got = slices.Sorted(slices.Values(consent.Scopes))
	}
	if !slices.Equal(got, want) {
		t.Errorf("remembered are %q, want %q", got, want)
	}
}

// accept accepts a new request for scope and returns its id.
func (b *browser) accept(t *testing.T, scope string, more ...string) {
	t.Helper()
	id := b.begin(t, "redirect_uri=https://notes.example/cb&scope="+scope)
	got := b.submit(t, b.get(t, "/consent?request="+id), append(more, "decision", "accept")...)
	if got.location != b.server.back(id) || b.server.request(t, id).Decision != authrequest.Accepted {
		t.Fatalf("accepting %s = %d to %q", scope, got.status, got.location)
	}
}

func TestConsentsAreMerged(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	b.signIn(t, "ada")
	b.accept(t, "email", "remember", "on")
	b.accept(t, "openid", "remember", "on")
	b.accept(t, "profile")
	b.accept(t, "offline_access")
	remembered(t, b, []string{"email", "offline_access", "openid", "profile"})

	elsewhere := h.browser(t)
	elsewhere.signIn(t, "ada")
	remembered(t, elsewhere, []string{"email", "openid"})
}

func TestSessionConsentEndsWithTheSession(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	b.signIn(t, "ada")
	b.accept(t, "email")
	b.accept(t, "openid", "remember", "on")
	remembered(t, b, []string{"email", "openid"})

	elsewhere := h.browser(t)
	elsewhere.signIn(t, "ada")
	remembered(t, elsewhere, []string{"openid"})
}

func TestFirstDecisionCounts(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.signIn(t, "ada")
	page := b.get(t, "/consent?request="+id)
	for _, decision := range []string{"deny", "accept"} {
		got := b.submit(t, page, "decision", decision, "remember", "on")
		if got.status != http.StatusSeeOther || got.location != h.back(id) {
			t.Errorf("%s = %d to %q, want 303 to %q", decision, got.status, got.location, h.back(id))
		}
	}
	if r := h.request(t, id); r.Decision != authrequest.Denied {
		t.Errorf("decision = %q, want the first, denied", r.Decision)
	}
	remembered(t, b, nil)

	b.signIn(t, "bob")
	b.submit(t, b.get(t, "/consent?request="+id), "decision", "accept")
	if r := h.request(t, id); r.Decision != authrequest.Accepted || r.DecidedFor != "sub-bob" {
		t.Errorf("after bob's decision: %q for %q, want his own", r.Decision, r.DecidedFor)
	}
}

func TestDecisionIsIgnoredForAnotherSession(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.signIn(t, "ada")
	shownToAda := b.get(t, "/consent?request="+id)
	b.signIn(t, "bob") // in another tab

	got := b.submit(t, shownToAda, "decision", "accept")
	if got.location != h.back(id) || h.request(t, id).Decision != authrequest.Undecided {
		t.Errorf("ada's page in bob's session: to %q, decision %q", got.location, h.request(t, id).Decision)
	}
	b.submit(t, b.get(t, "/consent?request="+id), "decision", "accept")
	if r := h.request(t, id); r.Decision != authrequest.Accepted || r.DecidedFor != "sub-bob" {
		t.Errorf("bob's own page: %q for %q", r.Decision, r.DecidedFor)
	}
}

func TestConsentNeedsASession(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.signIn(t, "ada")
	page := b.get(t, "/consent?request="+id)
	expect(t, b.submit(t, page), http.StatusBadRequest, "invalid_request")
	expect(t, b.submit(t, page, "decision", "perhaps"), http.StatusBadRequest, "invalid_request")

	h.wait(59 * time.Minute)
	id = b.begin(t, "scope=openid")
	h.wait(2 * time.Minute) // beyond the idle time of the session
	for name, got := range map[string]answer{
		"page":     b.get(t, "/consent?request="+id),
		"decision": b.post(t, "/consent", url.Values{"request": {id}, "decision": {"accept"}}),
	} {
		if got.status != http.StatusSeeOther || got.location != h.back(id) {
			t.Errorf("%s without a session = %d to %q, want 303 to %q", name, got.status, got.location, h.back(id))
		}
	}
	if r := h.request(t, id); r.Decision != authrequest.Undecided {
		t.Errorf("decision = %q", r.Decision)
	}
}
