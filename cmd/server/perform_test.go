package main

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
	go func() { code <- run(t.Context(), args, streams{strings.NewReader(""), &out, heard}) }()
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

func startForTerminals(t *testing.T) *server {
	t.Helper()
	s := start(t, storetest.New(t), nil)
	const clients = `[{"client_id": "terminal", "application_type": "native", "token_endpoint_auth_method": "none",
		"redirect_uris": ["http://127.0.0.1/callback"], "scope": "openid profile", "skip_consent": true}]`
	if _, _, err := importClients(t.Context(), s.config, s.store, s.hasher, []byte(clients)); err != nil {
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
	told, end := performing(t, "perform", "authorization-code", "--issuer="+s.url, "--client-id=terminal",
		"--scope=openid profile", "--max-age=100", "--listen=127.0.0.1:0", "--json")
	address := addressIn(t, told)
	contains(t, address, "scope=openid+profile", "max_age=100", "code_challenge_method=S256", "nonce=")

	b := s.browser()
	back := b.authorize(query(t, address))
	if stray := b.get(strings.Replace(back.header.Get("Location"), "&state=", "&state=other", 1)); stray.status != http.StatusBadRequest {
		t.Errorf("an answer with another state is taken: %d", stray.status)
	}
	page := b.get(back.header.Get("Location"))
	contains(t, page.body, "That was it")
	got := end()
	var tokens struct {
		AccessToken   string         `json:"access_token"`
		Scope         string         `json:"scope"`
		IDTokenClaims map[string]any `json:"id_token_claims"`
	}
	if err := json.Unmarshal([]byte(got.out), &tokens); err != nil || got.code != 0 {
		t.Fatalf("exit code %d, %v: %s%s", got.code, err, got.out, got.err)
	}
	if tokens.IDTokenClaims["iss"] != s.url || tokens.Scope != "openid profile" || s.userinfo(tokens.AccessToken).status != http.StatusOK {
		t.Errorf("got tokens %+v, want an ID token of %s and an access token that is good", tokens, s.url)
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
	told, end := performing(t, "perform", "authorization-code", "--issuer="+s.url, "--client-id=terminal",
		"--prompt=none", "--listen=127.0.0.1:0")
	b := s.browser()
	page := b.get(b.authorize(query(t, addressIn(t, told))).header.Get("Location"))
	contains(t, page.body, "login_required")
	if got := end(); got.code != 1 || got.out != "" {
		t.Errorf("exit code %d and %q, want 1 and nothing", got.code, got.out)
	} else {
		contains(t, got.err, "the server answered login_required")
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
			contains(t, sh.refused(append([]string{"perform", "client-credentials", "--issuer=" + s.url}, tc.args...)...), tc.want)
		})
	}
	contains(t, sh.refused("perform", "client-credentials", "--issuer=http://127.0.0.1:1", "--client-id=x"), "discover")
	contains(t, sh.refused("perform", "client-credentials", "--client-id=x"), "say --issuer")
}

func TestNobodyIsAwaitedForEver(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	sh := &shell{t: t}
	contains(t, sh.refused("perform", "authorization-code", "--issuer="+s.url, "--client-id=terminal",
		"--listen=127.0.0.1:0", "--patience=1ms"), "nobody came back within 1ms")
	contains(t, sh.refused("perform", "authorization-code", "--issuer="+s.url, "--client-id=terminal", "--patience=0s"), "--patience")
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
	sh.json(&tokens, "perform", "client-credentials", "--issuer="+s.url, "--client-id=web", "--client-secret-file="+secret,
		"--scope=api", "--audience=https://api.example")
	if got := claims(t, tokens.AccessToken); tokens.Scope != "api" || got["aud"].([]any)[0] != "https://api.example" {
		t.Errorf("got scope %q and claims %v, want api for https://api.example", tokens.Scope, got)
	}
	table := sh.must("perform", "client-credentials", "--issuer="+s.url, "--client-id=post",
		"--client-secret=post-secret-post-secret-post-sec", "--auth-method=client_secret_post")
	contains(t, table, "access_token", "ost_at_")
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
		code := run(t.Context(), nil, streams{strings.NewReader(""), &out, io.Discard})
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
		contains(t, sh.must("completion", name), "complete", "ostiary")
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
	contains(t, sh.must("clients", "get", "b", "--format=yaml"), "client_id: b\n", "grant_types:\n- client_credentials\n")
	if asJSON := sh.must("clients", "list", "--json"); asJSON != sh.must("clients", "list", "--format=json") {
		t.Error("--json and --format=json differ")
	}
	if got := sh.run("clients", "list", "--format=xml"); got.code != 2 {
		t.Errorf("--format=xml = exit code %d, want 2", got.code)
	}
	contains(t, sh.must("purge"), "removed 0 grants")
	contains(t, sh.must("purge", "--format=yaml"), "grants: 0\n")
	for format := range strings.FieldsSeq("json yaml table") {
		if got := run(t.Context(), append(sh.settings, "clients", "list", "--format="+format), streams{nil, brokenPipe{}, io.Discard}); got != 1 {
			t.Errorf("--format=%s into a broken pipe = exit code %d, want 1", format, got)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// The device asks for the first time after five seconds, by then everything is said.
func TestADeviceInTheTerminal(t *testing.T) {
	t.Parallel()

	s := startDevices(t, storetest.New(t), nil)
	for _, client := range [][]string{
		{"--client-id=stick"},
		{"--client-id=tv", "--client-secret=" + tvSecret, "--auth-method=client_secret_post", "--audience=https://api.example"},
	} {
		t.Run(client[0], func(t *testing.T) {
			t.Parallel()

			told, end := performing(t, append([]string{"perform", "device-code", "--issuer=" + s.url, "--format=yaml"}, client...)...)
			code := regexp.MustCompile(`[B-Z]{4}-[B-Z]{4}`).FindString(told)
			b := s.browser()
			done := b.follow(b.post("/device", asForm("user_code", code, "decision", "continue")))
			contains(t, done.body, "go back to your device")
			if got := end(); got.code != 0 {
				t.Errorf("exit code %d: %s", got.code, got.err)
			} else {
				contains(t, got.out, "access_token: ", "id_token_claims:\n", "  iss: "+s.url)
			}
		})
	}
	sh := &shell{t: t}
	contains(t, sh.refused("perform", "device-code", "--issuer="+s.url, "--client-id=web"), "invalid_client")
	contains(t, sh.refused("perform", "device-code", "--issuer="+s.url, "--client-id=stick", "--patience=1ms"), "in time")
}
