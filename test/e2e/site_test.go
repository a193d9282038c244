//go:build e2e

package e2e

import (
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
	"github.com/ostiary/ostiary/test/rig"
)

// demoClient is the client ID of the demo application.
const demoClient = "demo-app"

// site is a server with the demo application and a user.
type site struct {
	issuer, demo       string
	username, password string
}

// authorizeURL returns an authorization request of the demo application with more parameters.
func (s site) authorizeURL(more url.Values) string {
	query := url.Values{
		"client_id": {demoClient}, "redirect_uri": {s.demo + "/callback"}, "response_type": {"code"}, "scope": {"openid"},
		"state": {"a-state-of-the-test"}, "nonce": {"a-nonce-of-the-test"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	maps.Copy(query, more)
	return s.issuer + "/oauth2/auth?" + query.Encode()
}

// service is a server as an organisation runs it, on one of the engines. The user is Ada, whose
// address is verified. Its mail server stores the messages.
type service struct {
	site

	t       *testing.T
	engine  rig.Engine
	cluster *rig.Cluster
	mail    *mailcatcher.Catcher
	read    map[int]bool // the IDs of messages that tests have waited for
}

const adasAddress = "ada@example.com"

// eachEngine runs a test on both engines; on PostgreSQL with two replicas, so that each step of a
// user may reach another one.
func eachEngine(t *testing.T, env map[string]string, test func(*service)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(startService(t, engine, env))
		})
	}
}

func startService(t *testing.T, engine rig.Engine, env map[string]string) *service {
	t.Helper()
	s := startEmptyService(t, engine, env)
	s.demo = startShop(t, s.cluster)
	s.username, s.password = "ada", "seven unrelated words"
	rig.ImportUsers(t, s.cluster, rig.User{
		Username: s.username, Password: s.password,
		Claims: map[string]any{"name": "Ada Lovelace", "email": adasAddress, "email_verified": true},
	})
	return s
}

// startEmptyService starts a server without users and applications.
func startEmptyService(t *testing.T, engine rig.Engine, env map[string]string) *service {
	t.Helper()
	s := &service{t: t, engine: engine, mail: mailcatcher.New(mailcatcher.Config{}), read: map[int]bool{}}
	all := map[string]string{
		"SIGN_UP": "open", "MAIL_URL": "smtp+plain://" + serveMail(t, s.mail), "MAIL_FROM": "Ostiary <no-reply@example.com>",
	}
	maps.Copy(all, env)
	replicas := 1
	if engine == rig.Postgres {
		replicas = 2
	}
	s.cluster = rig.Serve(t, rig.Options{Database: rig.Database(t, engine), Replicas: replicas, Env: all})
	s.issuer = s.cluster.Issuer
	return s
}

// setUpLink returns the link that the server printed.
func (s *service) setUpLink() string {
	s.t.Helper()
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(20 * time.Millisecond) {
		if found := regexp.MustCompile(`(?m)^set-up +(http\S+)$`).FindStringSubmatch(s.cluster.Logs()); found != nil {
			return found[1]
		}
	}
	s.t.Fatalf("the server printed no set-up link:\n%s", s.cluster.Logs())
	return ""
}

// serveMail serves a mail server on a free port and returns its address.
func serveMail(t *testing.T, c *mailcatcher.Catcher) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- c.Serve(l) }()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// newTour opens a tab. It checks the pages on SQLite only: they are the same on both engines.
func (s *service) newTour() *tour {
	s.t.Helper()
	v := newTour(s.t)
	v.unchecked = s.engine != rig.SQLite
	return v
}

// command runs a command of the operator.
func (s *service) command(args ...string) string {
	s.t.Helper()
	return rig.Command(s.t, s.cluster, args...)
}

// link waits for a message to an address with a link of the page, and returns the link. It
// returns each link once.
func (s *service) link(page, address string) string {
	s.t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(s.issuer+page) + `\?token=\S+`)
	found := ""
	s.awaitMail(func(m *mailcatcher.Message) bool {
		found = link.FindString(m.Text)
		return found != "" && slices.Contains(m.EnvelopeTo, address)
	})
	return found
}

// awaitMail waits for a message that no call has returned for before.
func (s *service) awaitMail(wanted func(*mailcatcher.Message) bool) {
	s.t.Helper()
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(20 * time.Millisecond) {
		for _, m := range s.mail.Messages() {
			if !s.read[m.ID] && wanted(&m) {
				s.read[m.ID] = true
				return
			}
		}
	}
	s.t.Fatalf("the message was not sent; there are %+v", s.mail.Messages())
}

// awaitNotice waits for a message to Ada with the words in its subject.
func (s *service) awaitNotice(words string) {
	s.t.Helper()
	s.awaitMail(func(m *mailcatcher.Message) bool {
		return slices.Contains(m.EnvelopeTo, adasAddress) && strings.Contains(m.Subject, words)
	})
}
