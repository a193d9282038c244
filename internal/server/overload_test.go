package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// fill takes all slots of a kind of work until leave is called.
func fill(t *testing.T, a *middleware.Admission) (leave func()) {
	t.Helper()
	var all []admission.Slot
	for {
		slot, err := a.Acquire(t.Context())
		if errors.Is(err, admission.ErrBusy) {
			return func() {
				for _, slot := range all {
					slot.Release()
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, slot)
	}
}

// Overload by one kind of work does not affect the others. Rejected requests get an error in the
// format of their endpoint.
func TestAdmissionIsSeparatePerKindOfWork(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"admission_wait": "0s", "sign_up": "on", "rate_limits": "off"})
	b, large := s.NewBrowser(), strings.Repeat("x", 10<<10)
	get := func(path string) func() servertest.Response { return func() servertest.Response { return b.Get(path) } }
	post := func(path string) func() servertest.Response {
		return func() servertest.Response { return b.Post(path, url.Values{"request": {"none"}}) }
	}
	call := func(path string) func() servertest.Response {
		return func() servertest.Response { return s.PostForm(path, url.Values{"token": {"none"}}) }
	}
	manage := func(method, path string) func() servertest.Response {
		return func() servertest.Response { return s.Call(t, method, path, "none", "{}") }
	}
	requests := map[string]map[string]func() servertest.Response{
		"tokens": {"token": call("/oauth2/token")},
		"checks": {
			"introspection": call("/oauth2/introspect"), "revocation": call("/oauth2/revoke"),
			"userinfo": func() servertest.Response { return s.Userinfo("none") },
		},
		"pages": {
			"authorization": get("/oauth2/auth"), "sign-out": get("/oauth2/sessions/logout"), "home": get("/"),
			"sign-in page": get("/login"), "sign-up page": get("/signup"), "set-up page": get("/setup"),
			"consent page": get("/consent"), "consent": post("/consent"),
		},
		"passwords": {"sign-in": post("/login"), "sign-up": post("/signup"), "set-up": post("/setup")},
		"registration": {
			"register": manage(http.MethodPost, "/connect/register"), "register by the other path": manage(http.MethodPost, "/oauth2/register"),
			"read": manage(http.MethodGet, "/connect/register/none"), "change": manage(http.MethodPut, "/oauth2/register/none"),
			"delete": manage(http.MethodDelete, "/connect/register/none"),
		},
		"large bodies": {
			"a large token request": func() servertest.Response { return s.PostForm("/oauth2/token", url.Values{"token": {large}}) },
			"a large registration": func() servertest.Response {
				return s.Call(t, http.MethodPost, "/connect/register", "none", `{"client_name": "`+large+`"}`)
			},
		},
		"large bodies of pages": {
			"a large authorization request": func() servertest.Response { return b.Post("/oauth2/auth", url.Values{"request": {large}}) },
			"a large sign-in":               func() servertest.Response { return b.Post("/login", url.Values{"request": {large}}) },
		},
		"nothing": {
			"discovery": get("/.well-known/openid-configuration"), "metadata": get("/.well-known/oauth-authorization-server"),
			"keys": get("/.well-known/jwks.json"), "alive": get("/health/alive"), "ready": get("/health/ready"), "version": get("/version"),
			"style": get("/static/style.css"), "session frame": get("/oauth2/sessions/check"),
		},
	}
	kinds := s.App.Admissions()
	delete(kinds, "apps") // TestAdmissionRejectsExcessAppRequests covers it
	hasPage := map[string]bool{"pages": true, "passwords": true, "large bodies of pages": true}
	for full, a := range kinds {
		leave := fill(t, a)
		for kind, all := range requests {
			for name, ask := range all {
				got := ask()
				switch {
				case kind == full:
					isRefusal(t, name, got, hasPage[kind])
				case got.Status == http.StatusServiceUnavailable && !strings.HasPrefix(kind, "large"): // large bodies take a second kind of slot
					t.Errorf("%s, with too many %s: %d", name, full, got.Status)
				}
			}
		}
		leave()
		for name, ask := range requests[full] {
			if got := ask(); got.Status == http.StatusServiceUnavailable {
				t.Errorf("%s, when the %s are through: %d", name, full, got.Status)
			}
		}
	}
}

func TestAdmissionRejectsExcessAppRequests(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"admission_wait": "0s"})
	leave := fill(t, s.App.Admissions()["apps"])
	const path = "/admin/oauth2/auth/requests/login?login_challenge=none"
	got := s.CallAdmin(http.MethodGet, path, "")
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || got.JSON(t)["error"] != "temporarily_unavailable" {
		t.Errorf("%d with %v: %s", got.Status, got.Header, got.Body)
	}
	if got := s.CallAdmin(http.MethodGet, "/health/ready", ""); got.Status != http.StatusOK {
		t.Errorf("health, meanwhile: %d", got.Status)
	}
	leave()
	if got := s.CallAdmin(http.MethodGet, path, ""); got.Status == http.StatusServiceUnavailable {
		t.Errorf("afterwards: %d", got.Status)
	}
}

// isRefusal checks that a response is a 503 with Retry-After: a page for users, or JSON that clients
// of any origin can read.
func isRefusal(t *testing.T, name string, got servertest.Response, page bool) {
	t.Helper()
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || got.Header.Get("Cache-Control") == "" {
		t.Errorf("%s: %d with %v", name, got.Status, got.Header)
		return
	}
	if page {
		if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") || !strings.Contains(got.Body, `id="error"`) {
			t.Errorf("%s: no error page: %s", name, got.Body)
		}
		return
	}
	if got.JSON(t)["error"] != "temporarily_unavailable" || got.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%s: %s with %v", name, got.Body, got.Header)
	}
}

// A client whose jwks_uri hangs delays no other client, however many requests need its keys.
func TestSlowClientServersDoNotBlockOthers(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"admission_slots": "1", "admission_wait": "0s", "outbound_allow_private": "on"})
	signer := servertest.AddPrivateKeyJWTClient(s)
	fetched, hang := make(chan struct{}, 10), make(chan struct{})
	keys := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fetched <- struct{}{}
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer keys.Close()
	defer close(hang)
	s.ImportClient(`{"client_id": "asserting", "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "` + keys.URL + `",
		"grant_types": ["client_credentials"], "response_types": []}`)
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		form := servertest.PrivateKeyJWTForm(s, signer)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(form.Encode()))
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if answer, err := http.DefaultClient.Do(r); err == nil {
			answer.Body.Close()
		}
	}()
	select {
	case <-fetched:
	case <-ended:
		t.Fatal("the server did not fetch the keys")
	}
	for range 3 {
		if got := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); got.Status != http.StatusOK {
			t.Errorf("a token for somebody else, meanwhile: %d %s", got.Status, got.Body)
		}
	}
	hangUp()
	<-ended
}

// Overload of the public listener leaves the admin API its separate slots for bodies, outbound requests
// and password hashes.
func TestPublicListenerDoesNotStarveAdminAPI(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"admission_wait": "0s"})
	address := strings.TrimPrefix(s.URL, "http://")
	for range 140 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
			"Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n")
	}
	for s.App.PublicBodies().Reading()+int(s.App.PublicBodies().TooMany()) < 140 {
		select {
		case <-t.Context().Done():
			t.Fatal("the bodies are not read")
		case <-time.After(time.Millisecond):
		}
	}
	large := strings.Repeat("x", 10<<10)
	if got := s.PostForm("/oauth2/token", url.Values{"token": {large}}); got.Status == http.StatusServiceUnavailable {
		t.Errorf("a large body at the public listener: %d %s", got.Status, got.Body)
	}
	defer fill(t, s.App.Admissions()["large bodies"])()
	defer fill(t, s.App.Admissions()["large bodies of pages"])()
	client := `{"client_name": "` + large + `", "redirect_uris": ["https://rp.example/cb"]}`
	if got := s.CallAdmin(http.MethodPost, "/admin/clients", client); got.Status == http.StatusServiceUnavailable {
		t.Errorf("a large body at the administrators' API: %d %s", got.Status, got.Body)
	}
	if public, admin := s.App.SecretHashers(); admin == public || admin == s.App.Hasher {
		t.Error("the administrators' API hashes secrets where the public listener does")
	}
}
