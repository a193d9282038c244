package login_test

import (
	"fmt"
	"net/url"
	"strconv"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Requests without a user from one network add a bounded number of rows to each table, however
// many there are. The stores bound the rows of all networks together.
func TestRowsOfOneNetworkAreBounded(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, address string) {
		s := startMailServer(t, storetest.Open(t, address), verified())
		browser := s.NewBrowser()
		request := servertest.ParseURL(t, browser.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()).Header.Get("Location")).Query().Get("request")
		post := func(path string, fields ...string) {
			form := url.Values{"request": {request}}
			for i := 0; i < len(fields); i += 2 {
				form.Set(fields[i], fields[i+1])
			}
			browser.Post(path, form)
		}
		for i := range 60 {
			name := fmt.Sprintf("nobody-%d", i)
			email := name + "@example.com"
			post("/login", "username", name, "password", "wrong")
			post("/login", "username", "ada", "password", "wrong")
			post("/recover", "email", email)
			post("/signup", "username", name, "email", email, "password", newPassword, "repeat", newPassword)
		}
		s.mails()
		s.App.Failures.Flush(t.Context())
		for table, most := range map[string]int{
			"guesses":           250, // up to three for each name and address, and those of the networks
			"password_failures": 30,
			"mails":             20, // for recovery and sign-up together
			"sign_ups":          10,
			"activity":          1, // the failures of one account
			"one_time_links":    20,
			"accounts":          2,
		} {
			count := storetest.Text(t, address, "SELECT count(*) FROM "+table)
			if n, err := strconv.Atoi(count); err != nil || n > most || n == 0 {
				t.Errorf("%s: %s rows, want 1 to %d", table, count, most)
			}
		}
	})
}
