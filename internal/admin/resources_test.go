package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestResourceLifecycle(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		const pay = `{"identifier":"https://pay.example/v1","name":"Payments","scopes":["read"],"access_token_format":"jwt","access_token_signing_alg":"PS256",
			"access_token_lifetime":60,"require_sender_constraint":true,"shared_tokens":true,"all_clients":true,"clients":["web"],"introspection_clients":["post"]}`
		p := s.CallAdmin(http.MethodPost, "/admin/resources", pay)
		if p.Status != http.StatusCreated {
			t.Fatalf("POST: %d %s", p.Status, p.Body)
		}
		want := servertest.ParseObject(t, pay)
		servertest.WantMembers(t, p.JSON(t), want)
		one := p.Header.Get("Location")
		if one != "/admin/resources/"+url.PathEscape("https://pay.example/v1") {
			t.Errorf("Location: %s", one)
		}
		got := s.CallAdmin(http.MethodGet, one, "")
		servertest.WantMembers(t, got.JSON(t), want)
		withSlash := "/admin/resources/" + url.PathEscape("https://pay.example/v1/")
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, withSlash, "").JSON(t), want)
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/resources", strings.Replace(pay, "/v1", "/v1/", 1)), http.StatusConflict, "Conflict")

		s.Advance(time.Second)
		plain := servertest.Object{
			"identifier": "https://pay.example/v1", "name": "Pay", "scopes": []any{}, "access_token_format": "", "access_token_signing_alg": "", "access_token_lifetime": 0.0,
			"require_sender_constraint": false, "shared_tokens": false, "all_clients": false, "clients": []any{}, "introspection_clients": []any{},
		}
		tag := got.Header.Get("ETag")
		if p := s.CallAdminIfMatch(tag, "", http.MethodPut, one, `{"name":"Pay"}`); p.Status != http.StatusOK {
			t.Fatalf("PUT: %d %s", p.Status, p.Body)
		}
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, one, "").JSON(t), plain)
		servertest.WantError(t, s.CallAdminIfMatch(tag, "", http.MethodPut, one, `{"name":"Late"}`), http.StatusPreconditionFailed, "Precondition Failed")
		servertest.WantError(t, s.CallAdmin(http.MethodPut, one, `{"identifier":"https://other.example","name":"Other"}`), http.StatusBadRequest, "invalid_request")

		for name, body := range map[string]string{
			"no identifier":            `{"name":"A"}`,
			"a relative one":           `{"identifier":"/pay","name":"A"}`,
			"one with a fragment":      `{"identifier":"https://a.example/#","name":"A"}`,
			"one with a space":         `{"identifier":"https://a.example/ b","name":"A"}`,
			"one without host":         `{"identifier":"https://","name":"A"}`,
			"one that is not ASCII":    `{"identifier":"https://ä.example","name":"A"}`,
			"a long one":               `{"identifier":"https://a.example/` + strings.Repeat("a", 256) + `","name":"A"}`,
			"no name":                  `{"identifier":"https://a.example"}`,
			"a name with a control":    "{\"identifier\":\"https://a.example\",\"name\":\"a\\u0001\"}",
			"a scope of two words":     `{"identifier":"https://a.example","name":"A","scopes":["a b"]}`,
			"another format":           `{"identifier":"https://a.example","name":"A","access_token_format":"saml"}`,
			"another algorithm":        `{"identifier":"https://a.example","name":"A","access_token_signing_alg":"none"}`,
			"a signed opaque token":    `{"identifier":"https://a.example","name":"A","access_token_format":"opaque","access_token_signing_alg":"ES256"}`,
			"a negative lifetime":      `{"identifier":"https://a.example","name":"A","access_token_lifetime":-1}`,
			"a lifetime of two years":  `{"identifier":"https://a.example","name":"A","access_token_lifetime":63072000}`,
			"an empty client":          `{"identifier":"https://a.example","name":"A","clients":[""]}`,
			"too many clients":         `{"identifier":"https://a.example","name":"A","clients":["a"` + strings.Repeat(`,"a"`, 100) + `]}`,
			"a reader that is no text": `{"identifier":"https://a.example","name":"A","introspection_clients":[1]}`,
			"a list":                   `[]`,
		} {
			if p := s.CallAdmin(http.MethodPost, "/resources", body); p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
		if p := s.CallAdmin(http.MethodPost, "/resources", `{"identifier":"urn:example:api","name":"A URN"}`); p.Status != http.StatusCreated {
			t.Errorf("a URN: %d %s", p.Status, p.Body)
		}
		if list := s.CallAdmin(http.MethodGet, "/resources?page_size=1", "").Body; !strings.Contains(list, "pay.example") || strings.Contains(list, "urn:") {
			t.Errorf("the first page: %s", list)
		}
		if p := s.CallAdmin(http.MethodDelete, withSlash, ""); p.Status != http.StatusNoContent {
			t.Errorf("DELETE: %d %s", p.Status, p.Body)
		}
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			servertest.WantError(t, s.CallAdmin(method, one, ""), http.StatusNotFound, "Not Found")
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPut, one, `{"name":"A"}`), http.StatusNotFound, "Not Found")
	})
}
