package cli_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

// visit inserts a session of the user and a grant to the client, both created the duration ago
// before now.
func visit(sh *clitest.Shell, s *store.Store, username, clientID string, ago time.Duration, refreshable bool) (*grant.Grant, *session.Session) {
	sh.T.Helper()
	when := time.Now().Add(-ago).Truncate(time.Microsecond)
	n := &session.Session{
		ID: session.NewID(), Cookie: session.Hash(session.NewCookie()), Subject: accountOf(sh, username).Subject,
		AuthTime: when, ACR: session.LevelOneFactor, AMR: []string{"pwd"}, CreatedAt: when, SeenAt: when,
		IdleUntil: when.Add(10 * time.Hour), EndsAt: when.Add(12 * time.Hour),
	}
	if err := s.Sessions.InsertSession(sh.T.Context(), n, nil); err != nil {
		sh.T.Fatal(err)
	}
	g := &grant.Grant{
		Locator: grant.Locator{Partition: grant.PartitionAt(when, refreshable), ID: grant.NewID(when)},
		Kind:    grant.KindCode, ClientID: clientID, Subject: n.Subject, SessionID: n.ID, Scopes: []string{"openid", "email"},
		CreatedAt: when, ExpiresAt: when.Add(9 * time.Hour), EndsAt: when.Add(9 * time.Hour), CodeExpiresAt: when.Add(time.Minute),
		Seed: make([]byte, 32),
	}
	if err := s.Grants.InsertGrant(sh.T.Context(), g); err != nil {
		sh.T.Fatal(err)
	}
	return g, n
}

// visited returns a shell with the users ada and bob and the clients web and app.
func visited(t *testing.T) (*clitest.Shell, *store.Store) {
	t.Helper()
	sh := clitest.NewShell(t)
	for _, name := range []string{"ada", "bob"} {
		sh.Must("users", "create", name, "--generate")
	}
	for _, id := range []string{"web", "app"} {
		sh.Must("clients", "create", "--id="+id, "--redirect-uri=https://a.example")
	}
	return sh, sh.Store()
}

func grantIDs(sh *clitest.Shell, args ...string) string {
	sh.T.Helper()
	var all []cli.GrantView
	sh.JSON(&all, append([]string{"grants", "list"}, args...)...)
	ids := make([]string, len(all))
	for i, g := range all {
		ids[i] = g.ID
	}
	return strings.Join(ids, " ")
}

func TestListAndRevokeGrants(t *testing.T) {
	t.Parallel()

	sh, s := visited(t)
	ada, _ := visit(sh, s, "ada", "web", 0, true)
	bob, _ := visit(sh, s, "bob", "app", 0, false)
	for name, tc := range map[string]struct {
		args []string
		want []*grant.Grant
	}{
		"one client's":        {[]string{"--client=web"}, []*grant.Grant{ada}},
		"one user's":          {[]string{"--user=BOB"}, []*grant.Grant{bob}},
		"neither one's":       {[]string{"--user=bob", "--client=web"}, nil},
		"an unknown client's": {[]string{"--client=nobody"}, nil},
	} {
		want := make([]string, len(tc.want))
		for i, g := range tc.want {
			want[i] = g.ID.String()
		}
		if got := grantIDs(sh, tc.args...); got != strings.Join(want, " ") {
			t.Errorf("%s: grants list %v = %q, want %q", name, tc.args, got, want)
		}
	}
	servertest.Contains(t, sh.Must("grants", "list"), "openid email", ada.Subject, bob.ID.String())
	servertest.Contains(t, sh.MustFail("grants", "list", "--user=eve"), "no user has the username eve")

	unknown := grant.NewID(time.Now()).String()
	message := sh.MustFail("grants", "revoke", ada.ID.String(), unknown, "short")
	servertest.Contains(t, message, "nothing was revoked", unknown+": no active grant has this ID", "short: a grant id has 32")
	if got := len(strings.Fields(grantIDs(sh))); got != 2 {
		t.Errorf("a refused revocation left %d grants, want 2", got)
	}
	sh.Must("grants", "revoke", ada.ID.String(), bob.ID.String())
	if got := grantIDs(sh); got != "" {
		t.Errorf("after revoking all, grants list has %s", got)
	}
	if _, err := s.Grants.LiveGrant(t.Context(), ada.Locator, "", time.Now()); !errors.Is(err, grant.ErrNotFound) {
		t.Errorf("a revoked grant is read as %v, want grant.ErrNotFound", err)
	}
	servertest.Contains(t, sh.MustFail("grants", "revoke", ada.ID.String()), "no active grant has this ID")
}

func TestListAndRevokeSessions(t *testing.T) {
	t.Parallel()

	sh, s := visited(t)
	adas, first := visit(sh, s, "ada", "web", 0, true)
	_, second := visit(sh, s, "ada", "app", 0, true)
	_, third := visit(sh, s, "bob", "app", 0, true)
	ids := func(args ...string) map[string]string {
		var all []cli.SessionView
		sh.JSON(&all, append([]string{"sessions", "list"}, args...)...)
		found := make(map[string]string)
		for _, n := range all {
			found[n.ID] = n.Username
		}
		return found
	}
	if got := ids(); len(got) != 3 || got[first.ID] != "ada" || got[third.ID] != "bob" {
		t.Errorf("sessions list = %v, want all three", got)
	}
	if got := ids("--user=ada"); len(got) != 2 || got[third.ID] != "" {
		t.Errorf("sessions list --user=ada = %v, want hers", got)
	}
	text := sh.Must("sessions", "list") + sh.Must("sessions", "list", "--json")
	servertest.Contains(t, text, first.ID, "pwd")
	servertest.Lacks(t, text, "cookie", "Cookie")

	servertest.Contains(t, sh.MustFail("sessions", "revoke", "--", first.ID, "unknown"), "nothing was revoked", "unknown: no active session has this ID")
	servertest.Contains(t, sh.MustFail("sessions", "revoke"), "--user")
	servertest.Contains(t, sh.MustFail("sessions", "revoke", "--user=ada", "--", first.ID), "--user")
	if got := ids(); len(got) != 3 {
		t.Errorf("refused revocations left %d sessions, want 3", len(got))
	}
	sh.Must("sessions", "revoke", "--", first.ID)
	if got := ids("--user=ada"); len(got) != 1 || got[second.ID] == "" {
		t.Errorf("after revoking her first session ada has %v, want the second", got)
	}
	if strings.Contains(grantIDs(sh), adas.ID.String()) {
		t.Error("the grant of a revoked session lives on")
	}
	servertest.Contains(t, sh.Must("sessions", "revoke", "--user=ada"), "sessions of ada revoked: 1")
	servertest.Contains(t, sh.Must("sessions", "revoke", "--user=ada"), "sessions of ada revoked: 0")
	if got := ids(); len(got) != 1 || got[third.ID] == "" {
		t.Errorf("after revoking all of ada's, sessions list = %v, want bob's", got)
	}
}

func TestImportedPasswordRevokesSessionsAndGrants(t *testing.T) {
	t.Parallel()

	sh, s := visited(t)
	sh.Must("users", "import", sh.WriteFile("a.json", `[{"username": "ada", "password": "correct horse"}]`))
	visit(sh, s, "ada", "web", 0, true)
	sh.Must("users", "import", sh.WriteFile("a.json", `[{"username": "ada", "password": "correct horse", "claims": {"name": "Ada"}}]`))
	if got := grantIDs(sh); got == "" {
		t.Error("importing the same password ended a grant")
	}
	sh.Must("users", "import", sh.WriteFile("a.json", `[{"username": "ada", "password": "battery staple"}]`))
	if got := grantIDs(sh); got != "" {
		t.Errorf("importing another password left the grant %s", got)
	}
	if got := sh.Must("sessions", "list", "--json"); got != "[]\n" {
		t.Errorf("importing another password left the sessions %s", got)
	}
}
