package assertion

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// Both databases must be able to store an accepted value.
func TestAssertionWithNULIsRejected(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		r := trusting(t, s, trust(0, ""))
		for _, e := range []edits{{"iss": they + "\x00"}, {"sub": "mike\x00"}, {"jti": "\x00"}, {"a\x00": 1}, {"a": []string{"\x00"}}} {
			refused(t, second(r.Open(t.Context(), assertion(nil, e), clock())))
		}
	})
}

func TestAssertionClaims(t *testing.T) {
	t.Parallel()

	at := func(d time.Duration) int64 { return clock().Add(d).Unix() }
	s := storetest.New(t)
	r := trusting(t, s, trust(0, ""))
	for name, tc := range map[string]struct {
		header, claims edits
		want           string // in the refusal; empty if it is taken
	}{
		"a good one":                        {nil, nil, ""},
		"with a typ":                        {edits{"typ": "JWT"}, nil, ""},
		"without a kid":                     {edits{"kid": nil}, nil, ""},
		"for the token endpoint":            {nil, edits{"aud": endpoint}, ""},
		"for a list of one":                 {nil, edits{"aud": []string{endpoint}}, ""},
		"that lasts an hour":                {nil, edits{"exp": at(time.Hour)}, ""},
		"from a clock ahead":                {nil, edits{"iat": at(9 * time.Second)}, ""},
		"that is good already":              {nil, edits{"nbf": at(0)}, ""},
		"with a fraction of a second":       {nil, edits{"exp": float64(at(0)) + 0.5}, ""},
		"with claims of its own":            {nil, edits{"scope": "everything", "act": edits{"sub": "x"}}, ""},
		"for us and another":                {nil, edits{"aud": []string{here, "https://other.example"}}, "as aud"},
		"for another":                       {nil, edits{"aud": "https://other.example"}, "as aud"},
		"for us with a slash":               {nil, edits{"aud": here + "/"}, "as aud"},
		"for nobody":                        {nil, edits{"aud": nil}, "as aud"},
		"for a list of a list":              {nil, edits{"aud": []any{[]string{here}}}, "as aud"},
		"for an object":                     {nil, edits{"aud": edits{"a": here}}, "as aud"},
		"for a number":                      {nil, edits{"aud": 1}, "as aud"},
		"without an issuer":                 {nil, edits{"iss": nil}, "iss"},
		"of another issuer":                 {nil, edits{"iss": "https://other.example"}, "not trusted"},
		"of nobody":                         {nil, edits{"sub": nil}, "sub"},
		"of a number":                       {nil, edits{"sub": 7}, "sub"},
		"of a subject without end":          {nil, edits{"sub": strings.Repeat("m", 256)}, "sub"},
		"without an end":                    {nil, edits{"exp": nil}, "exp"},
		"with an end in words":              {nil, edits{"exp": "tomorrow"}, "exp"},
		"that has just ended":               {nil, edits{"exp": at(0)}, "expired"},
		"that lasts a second more":          {nil, edits{"exp": at(time.Hour + time.Second)}, "lifetime above"},
		"that lasts longer from its making": {nil, edits{"iat": at(-time.Hour)}, "lifetime above"},
		"without a time":                    {nil, edits{"iat": nil}, "iat"},
		"with a time in words":              {nil, edits{"iat": "now"}, "iat"},
		"from the future":                   {nil, edits{"iat": at(time.Minute)}, "future"},
		"for later":                         {nil, edits{"nbf": at(time.Minute)}, "not valid yet"},
		"for later, in words":               {nil, edits{"nbf": "later"}, "not valid yet"},
		"without a name":                    {nil, edits{"jti": nil}, "jti"},
		"with a name without end":           {nil, edits{"jti": strings.Repeat("j", 257)}, "jti"},
		"under another kid":                 {edits{"kid": "k1"}, nil, "not trusted"},
		"with a typ for another use":        {edits{"typ": "at+jwt"}, nil, "typ"},
		"a logout token":                    {edits{"typ": "logout+jwt"}, nil, "typ"},
		"without a signature":               {edits{"alg": "none"}, nil, "alg"},
		"with a MAC":                        {edits{"alg": "HS256"}, nil, "alg"},
		"with an extension":                 {edits{"crit": []string{"x"}, "x": 1}, nil, "extension"},
		"with a key of its own":             {edits{"kid": "k1", "jwk": edits{"kty": "OKP"}}, nil, "not trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := r.Open(t.Context(), assertion(tc.header, tc.claims), clock())
			if tc.want == "" {
				if err != nil || got.Subject != "mike" || got.Trust.Issuer != they {
					t.Errorf("Open = %+v, %v, want it taken", got, err)
				}
				return
			}
			if why := refused(t, err); !strings.Contains(why, tc.want) {
				t.Errorf("refused because %q, want something of %q", why, tc.want)
			}
		})
	}
}

func TestIssuedAtMayBeOptional(t *testing.T) {
	t.Parallel()

	r := trusting(t, storetest.New(t), trust(0, ""))
	r.NoIAT = true
	if _, err := r.Open(t.Context(), assertion(nil, edits{"iat": nil}), clock()); err != nil {
		t.Errorf("without iat: %v", err)
	}
	long := clock().Add(time.Hour + time.Second).Unix()
	refused(t, second(r.Open(t.Context(), assertion(nil, edits{"iat": nil, "exp": long}), clock())))
	refused(t, second(r.Open(t.Context(), assertion(nil, edits{"iat": "now"}), clock())))
}

func second(_ *Assertion, err error) error { return err }

func TestSigningKeySelectsTheTrust(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		mikes, anybodys := trust(0, "mike"), trust(1, "")
		past := trust(2, "")
		past.ExpiresAt = clock()
		r := trusting(t, s, mikes, anybodys, past)
		open := func(n int, claims edits) (*Assertion, error) {
			return r.Open(t.Context(), sign(signingKey(n), goodHeader(edits{"kid": nil}), goodClaims(claims)), clock())
		}
		for n, want := range []*trustedissuer.Trust{mikes, anybodys} {
			if got, err := open(n, nil); err != nil || got.Trust.ID != want.ID {
				t.Errorf("key %d: %+v, %v, want %s", n, got, err, want.ID)
			}
		}
		for name, err := range map[string]error{
			"a key that is for mike alone":  second(open(0, edits{"sub": "nina"})),
			"a trust that is over":          second(open(2, nil)),
			"a stranger's key":              second(open(3, nil)),
			"another's key under this name": second(r.Open(t.Context(), sign(signingKey(1), goodHeader(nil), goodClaims(nil)), clock())),
		} {
			if err == nil {
				t.Errorf("%s is taken", name)
				continue
			}
			refused(t, err)
		}

		a := &account.Account{Subject: "nina", Username: "nina", CreatedAt: clock(), UpdatedAt: clock()}
		if err := errors.Join(s.Accounts.InsertAccount(t.Context(), a), s.Accounts.SetDisabled(t.Context(), "nina", true, clock())); err != nil {
			t.Fatal(err)
		}
		if why := refused(t, second(open(1, edits{"sub": "nina"}))); !strings.Contains(why, "disabled") {
			t.Errorf("somebody barred: %q", why)
		}
	})
}

// Of concurrent requests with one assertion, one succeeds.
func TestAssertionIsUsedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		r := trusting(t, s, trust(0, ""))
		spend := func(claims edits, now time.Time) error {
			a, err := r.Open(t.Context(), assertion(nil, claims), now)
			if err != nil {
				return err
			}
			return r.Spend(t.Context(), a, now)
		}
		const crowd = 16
		errs := make(chan error, crowd)
		var all sync.WaitGroup
		for range crowd {
			all.Go(func() { errs <- spend(nil, clock()) })
		}
		all.Wait()
		close(errs)
		served := 0
		for err := range errs {
			if err == nil {
				served++
				continue
			}
			refused(t, err)
		}
		if served != 1 {
			t.Errorf("%d of %d were served, want one", served, crowd)
		}
		if err := spend(edits{"jti": "2"}, clock()); err != nil {
			t.Errorf("another one: %v", err)
		}
		// Its jti is stored until it has expired by the clock of any replica.
		refused(t, spend(nil, clock().Add(59*time.Second)))
		if err := spend(edits{"exp": clock().Add(30 * time.Minute).Unix()}, clock().Add(69*time.Second)); err == nil {
			t.Error("the jti is forgotten too early")
		}

		other := trust(0, "")
		other.ID, other.Issuer = "other", "https://other.example"
		trusting(t, s, other)
		if err := spend(edits{"iss": other.Issuer}, clock()); err != nil {
			t.Errorf("the same jti of another issuer: %v", err)
		}
	})
}

// counted counts the calls of the store.
type counted struct {
	*store.TrustedIssuers

	queries int
}

func (c *counted) TrustsFor(ctx context.Context, iss, subject string, now time.Time) ([]*trustedissuer.Trust, bool, error) {
	c.queries++
	return c.TrustedIssuers.TrustsFor(ctx, iss, subject, now)
}

func TestTrustIsCachedForTwoSeconds(t *testing.T) {
	t.Parallel()

	s := storetest.New(t)
	trusting(t, s, trust(0, ""))
	from := &counted{TrustedIssuers: s.TrustedIssuers}
	now := clock()
	cache := NewCache(from, unchanged{}, func() time.Time { return now })
	find := func(subject string, at time.Time) int {
		now = at
		list, _, err := cache.TrustsFor(t.Context(), they, subject, now)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	for range 2 {
		if got := find("mike", clock()); got != 1 || from.queries != 1 {
			t.Errorf("%d are trusted after %d queries, want one after one", got, from.queries)
		}
	}
	if err := s.TrustedIssuers.DeleteTrust(t.Context(), "k0 "); err != nil {
		t.Fatal(err)
	}
	if find("mike", clock().Add(maxAge-1)) != 1 || find("mike", clock().Add(maxAge)) != 0 {
		t.Error("what was found is believed for another time than two seconds")
	}
	before := from.queries
	if find("nobody", clock()); find("nobody", clock()) != 0 || from.queries != before+2 {
		t.Error("that nobody is trusted is remembered")
	}
	trusting(t, s, trust(0, ""))
	for n := range maxCached + 10 {
		find(strings.Repeat("x", n%200)+string(rune('a'+n/200)), clock())
	}
	if got := cache.trusts.Len(); got != maxCached {
		t.Errorf("%d are remembered, want %d", got, maxCached)
	}
}
