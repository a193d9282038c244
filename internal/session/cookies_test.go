package session

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A new request removes the oldest requests of this issuer. It keeps the requests of another
// server at the same host, whose issuer has another path.
func TestBindRequestKeepsCookiesOfOtherIssuers(t *testing.T) {
	t.Parallel()

	servers := map[string]Cookies{"root": {Secure: true}, "auth": {Secure: true, Path: "/auth"}, "other": {Secure: true, Path: "/other"}}
	for own, cookies := range servers {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		foreign := map[string]bool{}
		for name, each := range servers {
			for i := range maxRequests {
				cookie := each.cookie(requestName(fmt.Sprintf("%08x", i)), "value")
				if r.AddCookie(cookie); name != own {
					foreign[cookie.Name] = true
				}
			}
		}
		w := httptest.NewRecorder()
		cookies.BindRequest(w, r, "0123456789abcdef", time.Minute)
		cleared := 0
		for _, cookie := range w.Result().Cookies() {
			if cookie.MaxAge < 0 {
				cleared++
			}
			if foreign[cookie.Name] || !strings.HasPrefix(cookie.Name, "__Host-") || cookie.Path != "/" || !cookie.Secure {
				t.Errorf("%s sets %v", own, cookie)
			}
		}
		if cleared != 1 {
			t.Errorf("%s clears %d cookies, want the oldest of its own", own, cleared)
		}
	}
}
