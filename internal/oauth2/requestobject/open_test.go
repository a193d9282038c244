package requestobject

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

func TestParametersOfTheObjectTakePrecedence(t *testing.T) {
	t.Parallel()

	claims := `{"id_token":{"auth_time":{"essential":true},"n":{"value":12345678901234567890}}}`
	compact := object(nil, edits{
		"client_id": nil, "max_age": 3600, "resource": []string{"https://a.example", "https://b.example"},
		"claims": json.RawMessage(claims), "nonce": "", "ostiary_subject": "somebody", "extra": true,
	})
	outside := url.Values{
		"client_id": {"app"}, "request": {compact}, "redirect_uri": {"https://evil.example"}, "state": {"outside"},
		"nonce": {"outside"}, "prompt": {"login"}, "audience": {"https://c.example"}, "response_type": {"code"},
	}
	want := url.Values{
		"client_id": {"app"}, "response_type": {"code"}, "redirect_uri": {"https://app.example/cb"}, "scope": {"openid"},
		"state": {"inside"}, "max_age": {"3600"}, "resource": {"https://a.example", "https://b.example"}, "claims": {claims},
	}
	c := app(t)
	c.RequireSignedRequestObject = true
	got, err := opener(nil).Open(t.Context(), c, outside)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("of a client that always signs (-want +got): %v\n%s", err, diff)
	}

	want.Set("nonce", "outside")
	want.Set("prompt", "login")
	got, err = opener(nil).Open(t.Context(), app(t), outside)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("of any client (-want +got): %v\n%s", err, diff)
	}
	if outside.Get("state") != "outside" || !outside.Has("request") {
		t.Error("the request itself was changed")
	}
}

func TestRequestsWithoutObject(t *testing.T) {
	t.Parallel()

	form := url.Values{"client_id": {"app"}, "state": {"x"}}
	got, err := opener(nil).Open(t.Context(), app(t), form)
	if err != nil || !cmp.Equal(form, got) {
		t.Errorf("Open = %v, %v, want the request as it is", got, err)
	}
	c := app(t)
	c.RequireSignedRequestObject = true
	if _, err := opener(nil).Open(t.Context(), c, form); responseOf(t, err).Code != oauth2.CodeInvalidRequest {
		t.Errorf("of a client that always signs: %v, want %s", err, oauth2.CodeInvalidRequest)
	}
}

func TestObjectMustMatchTheRequest(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		beside url.Values
		want   string
	}{
		"another response_type": {url.Values{"response_type": {"id_token"}, "request": {object(nil, nil)}}, oauth2.CodeInvalidRequestObject},
		"in value and by name":  {url.Values{"request": {object(nil, nil)}, "request_uri": {"https://app.example/r"}}, oauth2.CodeInvalidRequest},
	} {
		if _, err := opener(nil).Open(t.Context(), app(t), tc.beside); responseOf(t, err).Code != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	mixed := url.Values{"response_type": {"token code"}, "request": {object(nil, edits{"response_type": "code token"})}}
	if _, err := opener(nil).Open(t.Context(), app(t), mixed); err != nil {
		t.Errorf("the same response_type in another order: %v", err)
	}
}

func TestOnlyRegisteredRequestURIsAreFetched(t *testing.T) {
	t.Parallel()

	const home = "https://app.example/request"
	good := object(nil, nil)
	sum := func(text string) string {
		s := sha256.Sum256([]byte(text))
		return "#" + base64.RawURLEncoding.EncodeToString(s[:])
	}
	long := home + "?" + strings.Repeat("x", maxReference)
	for name, tc := range map[string]struct {
		registered, requested, published string
		want                             string
	}{
		"registered":                    {home, home, good, ""},
		"with the hash of the object":   {home + sum(good), home + sum(good), good, ""},
		"with a line end":               {home + sum(good+"\n"), home + sum(good+"\n"), good + "\n", ""},
		"with the hash of another":      {home + sum("x"), home + sum("x"), good, ""},
		"registered with a hash":        {home + sum(good), home, good, oauth2.CodeInvalidRequestURI},
		"registered without the hash":   {home, home + sum(good), good, oauth2.CodeInvalidRequestURI},
		"another one":                   {home, home + "2", good, oauth2.CodeInvalidRequestURI},
		"another query":                 {home, home + "?x=1", good, oauth2.CodeInvalidRequestURI},
		"in another case":               {home, "HTTPS" + home[5:], good, oauth2.CodeInvalidRequestURI},
		"longer than any may be":        {long, long, good, oauth2.CodeInvalidRequestURI},
		"not there":                     {home, home, "", oauth2.CodeInvalidRequestURI},
		"a pushed one that nobody made": {home, "urn:ietf:params:oauth:request_uri:x", good, oauth2.CodeInvalidRequestURI},
		"a page instead of an object":   {home, home, "<html>", oauth2.CodeInvalidRequestObject},
		"an object that is unsigned":    {home, home, unsigned(nil), oauth2.CodeInvalidRequestObject},
		"an object of another":          {home, home, object(nil, edits{"iss": "other"}), oauth2.CodeInvalidRequestObject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := app(t)
			c.RequestURIs = []string{tc.registered}
			pages := site{}
			if tc.published != "" {
				address, _, _ := strings.Cut(tc.requested, "#")
				pages[address] = tc.published
			}
			got, err := opener(pages).Open(t.Context(), c, url.Values{"client_id": {"app"}, "request_uri": {tc.requested}})
			switch {
			case tc.want == "" && (err != nil || got.Get("state") != "inside" || got.Has("request_uri")):
				t.Errorf("Open = %v, %v", got, err)
			case tc.want != "" && (err == nil || responseOf(t, err).Code != tc.want):
				t.Errorf("Open = %v, %v, want %s", got, err, tc.want)
			}
		})
	}
}

// Nothing else says that an unsigned object is the client's.
func TestUnsignedObjectMustMatchItsHash(t *testing.T) {
	t.Parallel()

	const home = "https://app.example/request"
	published := unsigned(nil)
	sum := sha256.Sum256([]byte(published))
	for name, tc := range map[string]struct{ fragment, want string }{
		"without a hash":           {"", ""},
		"with its hash":            {"#" + base64.RawURLEncoding.EncodeToString(sum[:]), ""},
		"with the hash of another": {"#" + base64.RawURLEncoding.EncodeToString(make([]byte, 32)), oauth2.CodeInvalidRequestURI},
		"with some fragment":       {"#top", oauth2.CodeInvalidRequestURI},
		"with an empty fragment":   {"#", oauth2.CodeInvalidRequestURI},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := app(t)
			c.RequestObjectSigningAlg, c.RequestURIs = algNone, []string{home + tc.fragment}
			_, err := opener(site{home: published}).Open(t.Context(), c, url.Values{"client_id": {"app"}, "request_uri": {home + tc.fragment}})
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || responseOf(t, err).Code != tc.want):
				t.Errorf("error = %v, want %s", err, tc.want)
			}
		})
	}
}

// hanging is a site that never answers.
type hanging struct{}

func (hanging) GetAs(ctx context.Context, _, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSlowRequestURIIsAClientError(t *testing.T) {
	t.Parallel()

	o := opener(nil)
	o.Documents = hanging{}
	c := app(t)
	c.RequestURIs = []string{"https://app.example/r"}
	_, err := o.Open(t.Context(), c, url.Values{"request_uri": {"https://app.example/r"}})
	if responseOf(t, err).Code != oauth2.CodeInvalidRequestURI {
		t.Errorf("error = %v, want %s", err, oauth2.CodeInvalidRequestURI)
	}
}

var errLost = errors.New("connection refused")

// lost returns keys that are unavailable because of this server.
type lost struct{}

func (lost) Keys(context.Context, *client.Client, string) ([]jose.JSONWebKey, error) {
	return nil, errLost
}

func TestUnavailableKeysAreAClientError(t *testing.T) {
	t.Parallel()

	if _, err := open(t, &client.Client{ID: "app"}, object(nil, nil)); responseOf(t, err).Code != oauth2.CodeInvalidRequestObject {
		t.Errorf("without keys: %v, want %s", err, oauth2.CodeInvalidRequestObject)
	}
	o := opener(nil)
	o.KeySets = lost{}
	_, err := o.Open(t.Context(), app(t), url.Values{"request": {object(nil, nil)}})
	if _, refused := errors.AsType[*oauth2.Error](err); refused || !errors.Is(err, errLost) {
		t.Errorf("a fault of ours became %v", err)
	}
}

// crowded rejects every fetch because of overload.
type crowded struct{}

func (crowded) GetAs(context.Context, string, string) ([]byte, error) { return nil, client.ErrBusy }

func TestOverloadIsTemporary(t *testing.T) {
	t.Parallel()

	c := app(t)
	c.RequestURIs = []string{"https://app.example/r"}
	o := opener(nil)
	o.Documents = crowded{}
	_, err := o.Open(t.Context(), c, url.Values{"client_id": {c.ID}, "request_uri": c.RequestURIs})
	if refused, ok := errors.AsType[*oauth2.Error](err); ok || !errors.Is(err, client.ErrBusy) {
		t.Errorf("error = %v (%v), which should be no refusal", err, refused)
	}
}
