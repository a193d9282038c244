package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
)

// Every patch results in an object with the same client_id, or returns a 400 error.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`[{"op":"replace","path":"/client_name","value":"x"}]`,
		`[{"op":"copy","from":"/redirect_uris","path":"/contacts"},{"op":"move","from":"/contacts/0","path":"/redirect_uris/-"}]`,
		`[{"op":"test","path":"/metadata/a~1b","value":null},{"op":"remove","path":"/metadata"}]`,
		`[{"op":"add","path":"/redirect_uris/-1","value":{}}]`, `[{"op":"copy","from":"/","path":"/a"}]`, `[{}]`, `[null]`, `{"op":1}`,
		`[{"op":"add","path":"/~0~1","value":[[[[]]]]},{"op":"copy","from":"/~0~1","path":"/~0~1/0/0"}]`,
	} {
		f.Add([]byte(seed))
	}
	known := &client.Client{ID: "shop"}
	known.RedirectURIs, known.Notes = []string{"https://a.example/"}, json.RawMessage(`{"a/b":null}`)
	before, err := json.Marshal(viewClient(known))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		patch, err := parsePatch(raw)
		var members map[string]json.RawMessage
		if err == nil {
			members, err = applyPatch(before, patch)
		}
		var refused *httpapi.Error
		switch {
		case errors.As(err, &refused) && refused.Status == http.StatusBadRequest:
		case err != nil:
			t.Errorf("%s: %v", raw, err)
		case string(members["client_id"]) != `"shop"`:
			t.Errorf("%s: client_id is %s", raw, members["client_id"])
		}
	})
}

// A page token is rejected unless the list returned it.
func FuzzPageToken(f *testing.F) {
	ask := func(token string) *Request {
		return &Request{HTTP: httptest.NewRequest(http.MethodGet, "/clients?page_token="+url.QueryEscape(token), nil), header: http.Header{}}
	}
	first, err := pageFrom(ask(""), "client_name")
	if err != nil {
		f.Fatal(err)
	}
	first.Size = 1
	first.linkNext(1, "an id")
	f.Add(first.token("an id"))
	f.Add("1")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		p, err := pageFrom(ask(token), "client_name")
		if err == nil && p.After != "" && first.token(p.After) == "" {
			t.Errorf("%q leads to %q", token, p.After)
		}
		if p != nil && p.After != "" {
			if again, err := pageFrom(ask(first.token(p.After)), "client_name"); err != nil || again.After != p.After {
				t.Errorf("%q leads to %q, and that to %v, %v", token, p.After, again, err)
			}
		}
	})
}
