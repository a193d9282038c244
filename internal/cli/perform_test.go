package cli_test

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

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// messages receives the messages that a command prints while it runs.
type messages struct {
	words chan string
	all   bytes.Buffer
}

func (m *messages) Write(p []byte) (int, error) {
	m.all.Write(p)
	select {
	case m.words <- string(p):
	default:
	}
	return len(p), nil
}

// performing starts a command that needs a user, and returns its first message. end waits for
// the command and returns its result.
func performing(t *testing.T, args ...string) (message string, end func() clitest.Result) {
	t.Helper()
	clitest.UnsetEnvironment(t)
	written := &messages{words: make(chan string, 1)}
	var out bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(t.Context(), servertest.Version, args, cli.Streams{strings.NewReader(""), &out, written})
	}()
	end = func() clitest.Result {
		t.Helper()
		got := <-code
		return clitest.Result{Out: out.String(), Err: written.all.String(), Code: got}
	}
	select {
	case message = <-written.words:
	case got := <-code:
		t.Fatalf("%v ended with %d before its first message: %s", args, got, written.all.String())
	}
	return message, end
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

func addressIn(t *testing.T, message string) string {
	t.Helper()
	address := regexp.MustCompile(`http://\S+/oauth2/auth\?\S+`).FindString(message)
	if address == "" {
		t.Fatalf("the message contains no address: %s", message)
	}
	return address
}

func TestPerformAuthorizationCode(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	message, end := performing(t, "perform", "authorization-code", "--issuer="+s.URL, "--client-id=terminal",
		"--scope=openid profile", "--max-age=100", "--listen=127.0.0.1:0", "--json")
	address := addressIn(t, message)
	servertest.Contains(t, address, "scope=openid+profile", "max_age=100", "code_challenge_method=S256", "nonce=")

	b := s.NewBrowser()
	back := b.Authorize(query(t, address))
	if stray := b.Get(strings.Replace(back.Header.Get("Location"), "&state=", "&state=other", 1)); stray.Status != http.StatusBadRequest {
		t.Errorf("an answer with another state is taken: %d", stray.Status)
	}
	page := b.Get(back.Header.Get("Location"))
	servertest.Contains(t, page.Body, "Response received")
	got := end()
	var tokens struct {
		AccessToken   string         `json:"access_token"`
		Scope         string         `json:"scope"`
		IDTokenClaims map[string]any `json:"id_token_claims"`
	}
	if err := json.Unmarshal([]byte(got.Out), &tokens); err != nil || got.Code != 0 {
		t.Fatalf("exit code %d, %v: %s%s", got.Code, err, got.Out, got.Err)
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

func TestPerformShowsServerErrors(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	message, end := performing(t, "perform", "authorization-code", "--issuer="+s.URL, "--client-id=terminal",
		"--prompt=none", "--listen=127.0.0.1:0")
	b := s.NewBrowser()
	page := b.Get(b.Authorize(query(t, addressIn(t, message))).Header.Get("Location"))
	servertest.Contains(t, page.Body, "login_required")
	if got := end(); got.Code != 1 || got.Out != "" {
		t.Errorf("exit code %d and %q, want 1 and nothing", got.Code, got.Out)
	} else {
		servertest.Contains(t, got.Err, "the server answered login_required")
	}

	sh := &clitest.Shell{T: t}
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
			servertest.Contains(t, sh.MustFail(append([]string{"perform", "client-credentials", "--issuer=" + s.URL}, tc.args...)...), tc.want)
		})
	}
	servertest.Contains(t, sh.MustFail("perform", "client-credentials", "--issuer=http://127.0.0.1:1", "--client-id=x"), "discover")
	servertest.Contains(t, sh.MustFail("perform", "client-credentials", "--client-id=x"), "pass --issuer")
}

func TestPerformTimesOut(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	sh := &clitest.Shell{T: t}
	servertest.Contains(t, sh.MustFail("perform", "authorization-code", "--issuer="+s.URL, "--client-id=terminal",
		"--listen=127.0.0.1:0", "--patience=1ms"), "no response within 1ms")
	servertest.Contains(t, sh.MustFail("perform", "authorization-code", "--issuer="+s.URL, "--client-id=terminal", "--patience=0s"), "--patience")
}

func TestPerformClientCredentials(t *testing.T) {
	t.Parallel()

	s := startForTerminals(t)
	sh := &clitest.Shell{T: t, Dir: t.TempDir()}
	secret := sh.WriteFile("secret", "web-secret-web-secret-web-secret-\n")
	var tokens struct {
		AccessToken string `json:"access_token"`
		Scope       string `json:"scope"`
	}
	sh.JSON(&tokens, "perform", "client-credentials", "--issuer="+s.URL, "--client-id=web", "--client-secret-file="+secret,
		"--scope=api", "--audience=https://api.example")
	if got := servertest.Claims(t, tokens.AccessToken); tokens.Scope != "api" || got["aud"].([]any)[0] != "https://api.example" {
		t.Errorf("got scope %q and claims %v, want api for https://api.example", tokens.Scope, got)
	}
	table := sh.Must("perform", "client-credentials", "--issuer="+s.URL, "--client-id=post",
		"--client-secret=post-secret-post-secret-post-sec", "--auth-method=client_secret_post")
	servertest.Contains(t, table, "access_token", "ost_at_")
}

// A shell passes the incomplete command line in an environment variable of the process, so this
// test is not parallel.
func TestShellCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"ostiary perform ":                      "authorization-code client-credentials device-code",
		"ostiary clients list --format ":        "json table yaml",
		"ostiary keys rotate --algorithm E":     "ES256 EdDSA",
		"ostiary perform device-code --client-": "--client-id --client-secret --client-secret-file",
	} {
		t.Setenv("COMP_LINE", line)
		var out bytes.Buffer
		code := cli.Run(t.Context(), servertest.Version, nil, cli.Streams{strings.NewReader(""), &out, io.Discard})
		words := strings.Fields(out.String())
		for word := range strings.FieldsSeq(want) {
			if !strings.Contains(" "+strings.Join(words, " ")+" ", " "+word+" ") {
				t.Errorf("%q completes to %q, which lacks %s", line, words, word)
			}
		}
		if len(words) != len(strings.Fields(want)) || code != 0 {
			t.Errorf("%q = %q, exit code %d; want %s", line, words, code, want)
		}
	}
}

func TestCompletionRejectsUnknownShells(t *testing.T) {
	t.Parallel()

	sh := &clitest.Shell{T: t}
	for _, name := range []string{"bash", "zsh", "fish"} {
		servertest.Contains(t, sh.Must("completion", name), "complete", "ostiary")
	}
	if got := sh.Run("completion", "sh"); got.Code != 2 {
		t.Errorf("completion sh = exit code %d, want 2", got.Code)
	}
}

func TestOutputFormats(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	if got := sh.Must("clients", "list", "--format=yaml"); got != "[]\n" {
		t.Errorf("no clients as YAML = %q, want an empty list", got)
	}
	sh.Must("clients", "create", "--id=b", "--name=Tea: \"hot\" - [no list", "--grant-type=client_credentials")
	servertest.Contains(t, sh.Must("clients", "get", "b", "--format=yaml"), "client_id: b\n", "grant_types:\n- client_credentials\n")
	if asJSON := sh.Must("clients", "list", "--json"); asJSON != sh.Must("clients", "list", "--format=json") {
		t.Error("--json and --format=json differ")
	}
	if got := sh.Run("clients", "list", "--format=xml"); got.Code != 2 {
		t.Errorf("--format=xml = exit code %d, want 2", got.Code)
	}
	servertest.Contains(t, sh.Must("purge"), "removed 0 grants")
	servertest.Contains(t, sh.Must("purge", "--format=yaml"), "grants: 0\n")
	for format := range strings.FieldsSeq("json yaml table") {
		if got := cli.Run(t.Context(), servertest.Version, append(sh.Settings, "clients", "list", "--format="+format), cli.Streams{nil, brokenPipe{}, io.Discard}); got != 1 {
			t.Errorf("--format=%s into a broken pipe = exit code %d, want 1", format, got)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// The device polls first after five seconds, when the browser has confirmed the code.
func TestPerformDeviceCodeForEachClient(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithDeviceClients(t, storetest.New(t), nil)
	for _, client := range [][]string{
		{"--client-id=stick"},
		{"--client-id=tv", "--client-secret=" + servertest.DeviceClientSecret, "--auth-method=client_secret_post", "--audience=https://api.example"},
	} {
		t.Run(client[0], func(t *testing.T) {
			t.Parallel()

			message, end := performing(t, append([]string{"perform", "device-code", "--issuer=" + s.URL, "--format=yaml"}, client...)...)
			code := regexp.MustCompile(`[B-Z]{4}-[B-Z]{4}`).FindString(message)
			b := s.NewBrowser()
			done := b.Follow(b.Post("/device", servertest.Form("user_code", code, "decision", "continue")))
			servertest.Contains(t, done.Body, "return to your device")
			if got := end(); got.Code != 0 {
				t.Errorf("exit code %d: %s", got.Code, got.Err)
			} else {
				servertest.Contains(t, got.Out, "access_token: ", "id_token_claims:\n", "  iss: "+s.URL)
			}
		})
	}
	sh := &clitest.Shell{T: t}
	servertest.Contains(t, sh.MustFail("perform", "device-code", "--issuer="+s.URL, "--client-id=web"), "invalid_client")
	servertest.Contains(t, sh.MustFail("perform", "device-code", "--issuer="+s.URL, "--client-id=stick", "--patience=1ms"), "in time")
}
