package account_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// makeFile makes the requested file, as the background work of a server does.
func makeFile(s *servertest.Server) {
	s.TB.Helper()
	if err := s.App.DataFiles.MakeNext(s.TB.Context()); err != nil {
		s.TB.Fatal(err)
	}
}

// fileURL returns the link to the file on a page.
func fileURL(p servertest.Response) string {
	return p.Attribute("href", func(a map[string]string) bool { return a["id"] == "file" })
}

// The file has everything about the account, and no secret.
func TestDataOfTheAccount(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		refreshToken(b)
		if p := open(b, "/account/data"); !strings.Contains(p.Body, `id="download"`) {
			t.Fatalf("before it is prepared:\n%s", p.Body)
		}
		for range 2 { // one file is made at a time
			waiting := submit(b, "/account/data")
			servertest.Contains(t, waiting.Body, "is being made", `id="refresh"`)
			servertest.Lacks(t, waiting.Body, `id="file"`, `id="download"`)
		}
		if p := b.Get("/account/data/file"); p.Location().Path != "/account/data" {
			t.Errorf("the file before it is made: %d to %s", p.Status, p.Location())
		}
		makeFile(s)
		if err := s.App.DataFiles.MakeNext(t.Context()); !errors.Is(err, datafile.ErrNotFound) {
			t.Errorf("a second file of one request: %v", err)
		}
		file := b.Get(fileURL(b.Get("/account/data")))
		wantText(t, "Content-Type", file.Header.Get("Content-Type"), "application/json")
		wantText(t, "Cache-Control", file.Header.Get("Cache-Control"), "no-store")
		var all map[string]json.RawMessage
		if err := json.Unmarshal([]byte(file.Body), &all); err != nil {
			t.Fatalf("the file: %v\n%s", err, file.Body)
		}
		members := slices.Sorted(maps.Keys(all))
		if want := []string{"account", "activity", "addresses", "claims", "consents", "credentials", "grants", "sessions"}; !slices.Equal(members, want) {
			t.Errorf("members %v, want %v", members, want)
		}
		for _, name := range members {
			if text := string(all[name]); name != "consents" && len(text) < 10 {
				t.Errorf("%s is %s", name, text)
			}
		}
		for _, secret := range []string{servertest.PasswordHash(), b.Cookie("ostiary_session"), "argon2"} {
			if strings.Contains(file.Body, secret) {
				t.Errorf("the file contains %q", secret)
			}
		}
		servertest.Contains(t, b.Get("/account/activity").Body, "File with your data requested")
	})
}

// Only the user of the account gets the file, and only after signing in a moment ago.
func TestDataFileNeedsAFreshSession(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b, bobs := s.NewBrowser(), s.NewBrowser()
		open(b, "/account/data")
		submit(b, "/account/data")
		makeFile(s)
		s.Advance(6 * time.Minute)
		for name, one := range map[string]*servertest.Browser{"without a session": s.NewBrowser(), "of an old session": b} {
			if p := one.Get("/account/data/file"); p.Status != http.StatusSeeOther || p.Location().Path != "/login" {
				t.Errorf("the file %s: %d to %s", name, p.Status, p.Location())
			}
		}
		if p := open(b, "/account/data/file"); p.Header.Get("Content-Type") != "application/json" || !strings.Contains(p.Body, `"username": "ada"`) {
			t.Errorf("the file after the sign-in: %s", p.Body)
		}
		page := bobs.Get(bobs.Get("/account/data").Header.Get("Location"))
		signed := bobs.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", "bob", "password", servertest.Password))
		theirs := bobs.Get(bobs.Get(signed.Header.Get("Location")).Header.Get("Location"))
		servertest.Contains(t, theirs.Body, `id="download"`)
		if p := bobs.Get("/account/data/file"); p.Location().Path != "/account/data" {
			t.Errorf("the file of another user: %d to %s\n%s", p.Status, p.Location(), p.Body)
		}
	})
}

// A file is kept for a day, and ends with the sessions of its account. A request that no process
// has completed is completed later.
func TestDataFileEnds(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		ctx, subject := t.Context(), servertest.SubjectOf(t, s, "ada")
		b := s.NewBrowser()
		open(b, "/account/data")
		request := func() {
			t.Helper()
			servertest.Contains(t, submit(b, "/account/data").Body, `id="refresh"`)
		}
		wantNone := func(what string) {
			t.Helper()
			servertest.Contains(t, open(b, "/account/data").Body, `id="download"`, "Prepare the file")
			if err := s.App.DataFiles.MakeNext(ctx); !errors.Is(err, datafile.ErrNotFound) {
				t.Errorf("%s: a file was made: %v", what, err)
			}
		}
		request()
		makeFile(s)
		servertest.Contains(t, b.Get("/account/data").Body, `id="file"`, "Made ", "24 hours")
		s.Advance(datafile.Lifetime)
		wantNone("a day later")

		request()
		claimed, err := s.Store.DataFiles.ClaimDataFile(ctx, s.Time(), s.Time().Add(time.Minute))
		servertest.Must(t, err) // by a process that dies
		if err := s.App.DataFiles.MakeNext(ctx); !errors.Is(err, datafile.ErrNotFound) {
			t.Errorf("a claimed file was made: %v", err)
		}
		s.Advance(time.Minute)
		makeFile(s)
		before, err := s.Store.DataFiles.DataFileContent(ctx, subject, s.Time())
		servertest.Must(t, err)
		servertest.Must(t, s.Store.DataFiles.SaveDataFile(ctx, claimed, []byte("late")))
		if after, err := s.Store.DataFiles.DataFileContent(ctx, subject, s.Time()); err != nil || string(after) != string(before) {
			t.Errorf("the process comes back and replaces the file: %v", err)
		}
		if strings.Contains(string(before), "Lovelace") {
			t.Error("the stored file is readable")
		}

		s.Advance(time.Second)
		servertest.Must(t, s.Store.Accounts.LockAccount(ctx, subject, s.Time()))
		servertest.Must(t, s.Store.Accounts.EndLockdown(ctx, subject, s.Time()))
		s.Advance(time.Second)
		wantNone("after a lockdown")
		request()
		s.Advance(time.Second)
		servertest.Must(t, s.Store.Accounts.RequestDeletion(ctx, subject, s.Time()))
		servertest.Must(t, s.Store.Accounts.SetDisabled(ctx, subject, false, s.Time()))
		s.Advance(time.Second)
		wantNone("after a request to delete the account")
	})
}

// A file that is requested at one replica is made by another.
func TestDataFileOfAnotherReplica(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one := servertest.Start(t, storetest.Open(t, url), nil)
		two := servertest.Start(t, storetest.Open(t, url), map[string]string{"issuer": one.URL})
		two.Advance(one.Time().Sub(two.Time()))
		b := one.NewBrowser()
		open(b, "/account/data")
		submit(b, "/account/data")
		makeFile(two)
		servertest.Contains(t, b.Get(fileURL(b.Get("/account/data"))).Body, `"username": "ada"`)
	})
}

// Activity shows sign-ins with their device, and what the user changed.
func TestActivityPage(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		refreshToken(b)
		open(b, "/account")
		submit(b, "/account/applications", "revoke", "web")
		submit(b, "/account/password", "current_password", servertest.Password, "new_password", "another horse battery")
		p := open(b, "/account/activity")
		servertest.Contains(t, p.Body, "Signed in", "127.0.0.1", "web can no longer use your account.", "Password changed")
		for topic, want := range map[string]string{"sign-ins": "Signed in", "changes": "Password changed", "applications": "web can no longer use your account."} {
			p := b.Get("/account/activity?topic=" + topic)
			servertest.Contains(t, p.Body, want, `<option value="`+topic+`" selected>`)
			for _, other := range []string{"Signed in", "Password changed", "web can no longer use your account."} {
				if other != want {
					servertest.Lacks(t, p.Body, "<strong>"+other)
				}
			}
		}
		other := s.NewBrowser()
		page := other.Get(other.Get("/account/activity").Header.Get("Location"))
		signed := other.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", "bob", "password", servertest.Password))
		theirs := other.Get(other.Get(signed.Header.Get("Location")).Header.Get("Location"))
		servertest.Contains(t, theirs.Body, "Signed in")
		servertest.Lacks(t, theirs.Body, "Password changed")
		servertest.Contains(t, other.Get("/account/activity?topic=applications").Body, "Nothing of this kind.")
		wantStatus(t, "an unknown position", b.Get("/account/activity?topic=x&before=x"), http.StatusOK)
	})
}
