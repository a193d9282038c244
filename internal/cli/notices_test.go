package cli_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestListRetryAndDeleteNotices(t *testing.T) {
	t.Parallel()

	sh, s := visited(t)
	sh.Must("clients", "import", sh.WriteFile("clients.json", `[
		{"client_id": "told", "redirect_uris": ["https://a.example/cb"], "backchannel_logout_uri": "https://a.example/out"},
		{"client_id": "other", "redirect_uris": ["https://a.example/cb"], "backchannel_logout_uri": "https://a.example/out"}]`))
	_, n := visit(sh, s, "ada", "told", 0, true)
	for _, id := range []string{"told", "other"} {
		if err := s.Sessions.JoinSession(t.Context(), n.ID, id, "", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	list := func(args ...string) []cli.NoticeView {
		var all []cli.NoticeView
		sh.JSON(&all, append([]string{"notices", "list"}, args...)...)
		return all
	}
	sh.Must("sessions", "revoke", "--", n.ID)
	if got := list(); len(got) != 2 {
		t.Fatalf("ending a session by command left the notices %+v, want two", got)
	}
	failed, err := s.Outbox.ClaimNotice(t.Context(), "told", time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	failed.Status, failed.LastError = 503, "answered 503"
	if err := s.Outbox.EndNotice(t.Context(), failed, outbox.Failed, time.Now()); err != nil {
		t.Fatal(err)
	}
	got := list("--client=told", "--state=failed")
	if len(got) != 1 || got[0].ID != failed.ID || got[0].Fault != "answered 503" || got[0].Attempts != 1 || got[0].SessionID != n.ID {
		t.Errorf("notices list = %+v, want what failed", got)
	}
	servertest.Contains(t, sh.Must("notices", "list"), "answered 503", "told", "other", "pending", "failed")
	if got := list("--state=delivered"); len(got) != 0 {
		t.Errorf("delivered are %+v", got)
	}

	servertest.Contains(t, sh.MustFail("notices", "retry"), "--all")
	servertest.Contains(t, sh.MustFail("notices", "retry", "--all", failed.ID), "--all")
	servertest.Contains(t, sh.MustFail("notices", "retry", "--client=told", failed.ID), "--all")
	servertest.Contains(t, sh.MustFail("notices", "retry", failed.ID, "unknown"), "nothing was retried", "unknown: no undelivered notice has this ID")
	servertest.Contains(t, sh.Must("notices", "retry", "--all", "--client=told"), "due now: 1")
	if got := list("--client=told"); got[0].State != "pending" || got[0].DueAt.After(time.Now()) {
		t.Errorf("a retried notice is %+v", got[0])
	}
	servertest.Contains(t, sh.Must("notices", "retry", failed.ID), "due now: 1")
	servertest.Contains(t, sh.MustFail("notices", "delete", failed.ID, "unknown"), "nothing was deleted", "unknown: no notice has this ID")
	servertest.Contains(t, sh.Must("notices", "delete", failed.ID), "deleted "+failed.ID)
	if got := list(); len(got) != 1 || got[0].ClientID != "other" {
		t.Errorf("left are %+v, want the other", got)
	}
}
