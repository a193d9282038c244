package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// spoken is what a command says while it runs.
type spoken struct {
	words chan string
	all   bytes.Buffer
}

func (s *spoken) Write(p []byte) (int, error) {
	s.all.Write(p)
	select {
	case s.words <- string(p):
	default:
	}
	return len(p), nil
}

// performing runs a command that a person has to help, and returns what it told them
// and, when it has ended, what it printed.
func performing(t *testing.T, args ...string) (told string, end func() said) {
	t.Helper()
	unsetEnvironment(t)
	heard := &spoken{words: make(chan string, 1)}
	var out bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- Run(t.Context(), servertest.Version, args, Streams{strings.NewReader(""), &out, heard})
	}()
	end = func() said {
		t.Helper()
		got := <-code
		return said{out.String(), heard.all.String(), got}
	}
	select {
	case told = <-heard.words:
	case got := <-code:
		t.Fatalf("%v ended with %d before it told a person anything: %s", args, got, heard.all.String())
	}
	return told, end
}

func startForTerminals(t *testing.T) *servertest.Server {
	t.Helper()
	s := servertest.Start(t, storetest.New(t), nil)
	const clients = `[{"client_id": "terminal", "application_type": "native", "token_endpoint_auth_method": "none",
		"redirect_uris": ["http://127.0.0.1/callback"], "scope": "openid profile", "skip_consent": true}]`
	if _, _, err := s.ImportClients([]byte(clients)); err != nil {
		t.Fatal(err)
	}
	return s
}

func addressIn(t *testing.T, told string) string {
	t.Helper()
	address := regexp.MustCompile(`http://\S+/oauth2/auth\?\S+`).FindString(told)
	if address == "" {
		t.Fatalf("the command told no address: %s", told)
	}
	return address
}

func TestSomebodySignsInFromTheTerminal(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	told, end := performing(t, "perform", "authorization-code", "--issuer="+s.URL, "--client-id=terminal",
		"--scope=openid profile", "--max-age=100", "--listen=127.0.0.1:0", "--json")
	address := addressIn(t, told)
	servertest.Contains(t, address, "scope=openid+profile", "max_age=100", "code_challenge_method=S256", "nonce=")

	b := s.NewBrowser()
	back := b.Authorize(query(t, address))
	if stray := b.Get(strings.Replace(back.Header.Get("Location"), "&state=", "&state=other", 1)); stray.Status != http.StatusBadRequest {
		t.Errorf("an answer with another state is taken: %d", stray.Status)
	}
	page := b.Get(back.Header.Get("Location"))
	servertest.Contains(t, page.Body, "That was it")
	got := end()
	var tokens struct {
		AccessToken   string         `json:"access_token"`
		Scope         string         `json:"scope"`
		IDTokenClaims map[string]any `json:"id_token_claims"`
	}
	if err := json.Unmarshal([]byte(got.out), &tokens); err != nil || got.code != 0 {
		t.Fatalf("exit code %d, %v: %s%s", got.code, err, got.out, got.err)
	}
	if tokens.IDTokenClaims["iss"] != s.URL || tokens.Scope != "openid profile" || s.Userinfo(tokens.AccessToken).Status != http.StatusOK {
		t.Errorf("got tokens %+v, want an ID token of %s and an access token that is good", tokens, s.URL)
	}
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return at.Query()
}

func TestTheTerminalTellsWhatTheServerAnswered(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	told, end := performing(t, "perform", "authorization-code", "--issuer="+s.URL, "--client-id=terminal",
		"--prompt=none", "--listen=127.0.0.1:0")
	b := s.NewBrowser()
	page := b.Get(b.Authorize(query(t, addressIn(t, told))).Header.Get("Location"))
	servertest.Contains(t, page.Body, "login_required")
	if got := end(); got.code != 1 || got.out != "" {
		t.Errorf("exit code %d and %q, want 1 and nothing", got.code, got.out)
	} else {
		servertest.Contains(t, got.err, "the server answered login_required")
	}

	sh := &shell{t: t}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"a wrong secret":    {[]string{"--client-id=web", "--client-secret=wrong"}, "invalid_client"},
		"a scope too many":  {[]string{"--client-id=web", "--client-secret=web-secret-web-secret-web-secret-", "--scope=else"}, "invalid_scope"},
		"no such secret":    {[]string{"--client-id=web", "--client-secret-file=nowhere"}, "nowhere"},
		"no such authority": {[]string{"--client-id=web", "--ca-file=perform.go"}, "holds none"},
	} {
		t.Run(name, func(t *testing.T) {
			servertest.Contains(t, sh.refused(append([]string{"perform", "client-credentials", "--issuer=" + s.URL}, tc.args...)...), tc.want)
		})
	}
	servertest.Contains(t, sh.refused("perform", "client-credentials", "--issuer=http://127.0.0.1:1", "--client-id=x"), "discover")
	servertest.Contains(t, sh.refused("perform", "client-credentials", "--client-id=x"), "say --issuer")
}

func TestNobodyIsAwaitedForEver(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	sh := &shell{t: t}
	servertest.Contains(t, sh.refused("perform", "authorization-code", "--issuer="+s.URL, "--client-id=terminal",
		"--listen=127.0.0.1:0", "--patience=1ms"), "nobody came back within 1ms")
	servertest.Contains(t, sh.refused("perform", "authorization-code", "--issuer="+s.URL, "--client-id=terminal", "--patience=0s"), "--patience")
}

func TestAClientGetsATokenInTheTerminal(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	sh := &shell{t: t, dir: t.TempDir()}
	secret := sh.file("secret", "web-secret-web-secret-web-secret-\n")
	var tokens struct {
		AccessToken string `json:"access_token"`
		Scope       string `json:"scope"`
	}
	sh.json(&tokens, "perform", "client-credentials", "--issuer="+s.URL, "--client-id=web", "--client-secret-file="+secret,
		"--scope=api", "--audience=https://api.example")
	if got := servertest.Claims(t, tokens.AccessToken); tokens.Scope != "api" || got["aud"].([]any)[0] != "https://api.example" {
		t.Errorf("got scope %q and claims %v, want api for https://api.example", tokens.Scope, got)
	}
	table := sh.must("perform", "client-credentials", "--issuer="+s.URL, "--client-id=post",
		"--client-secret=post-secret-post-secret-post-sec", "--auth-method=client_secret_post")
	servertest.Contains(t, table, "access_token", "ost_at_")
}

// A shell asks how a command line goes on; this test sets what it asks with for the
// whole process, so that it is not parallel.
func TestShellsCompleteCommandLines(t *testing.T) {
	for line, want := range map[string]string{
		"ostiary perform ":                      "authorization-code client-credentials device-code",
		"ostiary clients list --format ":        "json table yaml",
		"ostiary keys rotate --algorithm E":     "ES256 EdDSA",
		"ostiary perform device-code --client-": "--client-id --client-secret --client-secret-file",
	} {
		t.Setenv("COMP_LINE", line)
		var out bytes.Buffer
		code := Run(t.Context(), servertest.Version, nil, Streams{strings.NewReader(""), &out, io.Discard})
		words := strings.Fields(out.String())
		for word := range strings.FieldsSeq(want) {
			if !strings.Contains(" "+strings.Join(words, " ")+" ", " "+word+" ") {
				t.Errorf("%q goes on with %q, which lacks %s", line, words, word)
			}
		}
		if len(words) != len(strings.Fields(want)) || code != 0 {
			t.Errorf("%q = %q, exit code %d; want %s", line, words, code, want)
		}
	}
}

func TestCompletionIsForKnownShells(t *testing.T) {
	t.Parallel()

	sh := &shell{t: t}
	for _, name := range []string{"bash", "zsh", "fish"} {
		servertest.Contains(t, sh.must("completion", name), "complete", "ostiary")
	}
	if got := sh.run("completion", "sh"); got.code != 2 {
		t.Errorf("completion sh = exit code %d, want 2", got.code)
	}
}

func TestOutputForPrograms(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	if got := sh.must("clients", "list", "--format=yaml"); got != "[]\n" {
		t.Errorf("no clients as YAML = %q, want an empty list", got)
	}
	sh.must("clients", "create", "--id=b", "--name=Tea: \"hot\" - [no list", "--grant-type=client_credentials")
	servertest.Contains(t, sh.must("clients", "get", "b", "--format=yaml"), "client_id: b\n", "grant_types:\n- client_credentials\n")
	if asJSON := sh.must("clients", "list", "--json"); asJSON != sh.must("clients", "list", "--format=json") {
		t.Error("--json and --format=json differ")
	}
	if got := sh.run("clients", "list", "--format=xml"); got.code != 2 {
		t.Errorf("--format=xml = exit code %d, want 2", got.code)
	}
	servertest.Contains(t, sh.must("purge"), "removed 0 grants")
	servertest.Contains(t, sh.must("purge", "--format=yaml"), "grants: 0\n")
	for format := range strings.FieldsSeq("json yaml table") {
		if got := Run(t.Context(), servertest.Version, append(sh.settings, "clients", "list", "--format="+format), Streams{nil, brokenPipe{}, io.Discard}); got != 1 {
			t.Errorf("--format=%s into a broken pipe = exit code %d, want 1", format, got)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// The device asks for the first time after five seconds, by then everything is said.
func TestADeviceInTheTerminal(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithDeviceClients(t, storetest.New(t), nil)
	for _, client := range [][]string{
		{"--client-id=stick"},
		{"--client-id=tv", "--client-secret=" + servertest.DeviceClientSecret, "--auth-method=client_secret_post", "--audience=https://api.example"},
	} {
		t.Run(client[0], func(t *testing.T) {
			t.Parallel()

			told, end := performing(t, append([]string{"perform", "device-code", "--issuer=" + s.URL, "--format=yaml"}, client...)...)
			code := regexp.MustCompile(`[B-Z]{4}-[B-Z]{4}`).FindString(told)
			b := s.NewBrowser()
			done := b.Follow(b.Post("/device", servertest.Form("user_code", code, "decision", "continue")))
			servertest.Contains(t, done.Body, "go back to your device")
			if got := end(); got.code != 0 {
				t.Errorf("exit code %d: %s", got.code, got.err)
			} else {
				servertest.Contains(t, got.out, "access_token: ", "id_token_claims:\n", "  iss: "+s.URL)
			}
		})
	}
	sh := &shell{t: t}
	servertest.Contains(t, sh.refused("perform", "device-code", "--issuer="+s.URL, "--client-id=web"), "invalid_client")
	servertest.Contains(t, sh.refused("perform", "device-code", "--issuer="+s.URL, "--client-id=stick", "--patience=1ms"), "in time")
}
