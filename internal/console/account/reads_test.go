package account_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A page view writes nothing: no row of any table differs after all pages of the menu, and their
// views, were opened. The idle timeout of the session is written after a sixteenth of it only.
func TestPageViewsWriteNothing(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := servertest.StartOnLocalhost(t, storetest.Open(t, url), nil, slog.DiscardHandler)
		b := s.NewBrowser()
		refreshToken(b)
		paths := []string{"/account/data/file", "/account/authenticator?add=1", "/account/activity?before=0", "/account/sessions?after=1.x", "/account/addresses?verify=x"}
		for _, found := range regexp.MustCompile(`href="`+s.URL+`(/account[^"]*)"`).FindAllStringSubmatch(open(b, "/account").Body, -1) {
			if !slices.Contains(paths, found[1]) {
				paths = append(paths, found[1])
			}
		}
		for _, page := range []string{"", "/profile", "/addresses", "/password", "/passkeys", "/authenticator", "/recovery-codes", "/sessions", "/applications", "/approvals", "/activity", "/data", "/delete"} {
			if !slices.Contains(paths, "/account"+page) {
				t.Errorf("the menu has no /account%s", page)
			}
		}
		before := storetest.Rows(t, url)
		if !strings.Contains(before["sessions"], servertest.SubjectOf(t, s, "ada")) {
			t.Fatalf("sessions: %s", before["sessions"])
		}
		for _, path := range paths {
			for range 2 {
				if p := b.Get(path); p.Status != http.StatusOK && path != "/account/data/file" {
					t.Errorf("GET %s: %d\n%s", path, p.Status, p.Body)
				}
			}
			for table, rows := range storetest.Rows(t, url) {
				if rows != before[table] && table != "replicas" { // written in the background
					t.Errorf("GET %s changes %s from\n%s\nto\n%s", path, table, before[table], rows)
					before[table] = rows
				}
			}
		}
	})
}
