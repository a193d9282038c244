//go:build e2e

// Package frameworks runs web applications on third-party frameworks, with the
// default settings of those, against the whole server. They are the recipes of
// docs/clients.md: each is registered with the command of the recipe, signs a user
// in, shows the user's claims, refreshes, and signs out at the server.
package frameworks

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// programTimeout is the longest wait for a program, including package installation.
const programTimeout = 6 * time.Minute

// testUser signs in to all applications.
var testUser = rig.User{Username: "ada", Password: "correct horse battery", Claims: map[string]any{
	"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
	"email": "ada@example.com", "email_verified": true, "groups": []string{"engines", "staff"},
}}

// serve starts a server with the test user.
func serve(t *testing.T, engine rig.Engine) *rig.Cluster {
	t.Helper()
	server := rig.Serve(t, rig.Options{Database: rig.Database(t, engine)})
	rig.ImportUsers(t, server, testUser)
	return server
}

// application is a web application in a separate process.
type application struct {
	base          string // origin
	id, secret    string // client at the server
	dir           string // writable directory
	signIn        string // path that starts a sign-in, if it differs from user
	user          string // path that shows the user's claims as JSON
	refresh       string // path that refreshes the tokens; empty if not supported
	refreshOutput string // output after a refresh, if the page does not show it
	signOut       string // path that signs the user out, also at the server
	signedOut     string // text of the page after sign-out
	mu            sync.Mutex
	output        bytes.Buffer
	registration  registration
}

// registration has the parameters with which the recipe registers the application.
type registration struct {
	heading   string   // of the recipe in docs/clients.md
	preset    string   // with which it is registered; empty to use only the arguments
	arguments []string // of clients create
}

// newApplication registers an application with the command of its recipe.
func newApplication(t *testing.T, server *rig.Cluster, r registration) *application {
	t.Helper()
	a := &application{base: "http://localhost:" + freePort(t), dir: t.TempDir(), registration: r}
	r.wantDocumented(t)
	arguments := append([]string{"clients", "create", "--format", "json"}, r.command(a.base)...)
	var created struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if text := rig.Command(t, server, arguments...); json.Unmarshal([]byte(text), &created) != nil {
		t.Fatalf("clients create printed %q, want JSON", text)
	}
	a.id, a.secret = created.ID, created.Secret
	return a
}

func (r registration) command(base string) []string {
	if r.preset != "" {
		return append([]string{"--preset", r.preset, "--url", base}, r.arguments...)
	}
	return append([]string{"--name", r.heading}, r.arguments...)
}

// wantDocumented fails unless docs/clients.md gives this very command.
func (r registration) wantDocumented(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"ostiary clients create"}
	for _, argument := range r.command("https://app.example") {
		if strings.Contains(argument, " ") {
			argument = `"` + argument + `"`
		}
		words = append(words, argument)
	}
	command := strings.Join(words, " ")
	flat := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\\\n", " ")), " ")
	if !strings.Contains(flat, command) {
		t.Errorf("docs/clients.md does not have the command of this test:\n%s", command)
	}
}

// run starts the application and returns when it accepts connections. It ends
// with the test.
func (a *application) run(t *testing.T, server *rig.Cluster, dir string, command ...string) {
	t.Helper()
	program := exec.Command(command[0], command[1:]...)
	_, port, _ := strings.Cut(strings.TrimPrefix(a.base, "http://"), ":")
	program.Dir = dir
	program.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1",
		"ISSUER=" + server.Issuer, "BASE_URL=" + a.base, "PORT=" + port, "CLIENT_ID=" + a.id, "CLIENT_SECRET=" + a.secret,
		"SESSION_SECRET=0123456789abcdef0123456789abcdef", "DATABASE=" + filepath.Join(a.dir, "app.db"),
	}
	program.Stdout, program.Stderr = a, a
	program.WaitDelay = time.Second
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // npx starts further processes
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = program.Wait() // the test kills it, or its output has the reason
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-program.Process.Pid, syscall.SIGKILL) // all may have exited
		<-ended
		if t.Failed() {
			t.Logf("output of the application:\n%s", a.printed())
		}
	})
	a.awaitListening(t, ended)
}

func (a *application) awaitListening(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(a.base, "http://"))
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s exited:\n%s", a.registration.heading, a.printed())
		case <-ctx.Done():
			t.Fatalf("%s does not listen: %v\n%s", a.registration.heading, err, a.printed())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Write appends to the output of the application.
func (a *application) Write(text []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.output.Write(text)
}

func (a *application) printed() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.output.String()
}

// test signs in, checks the claims that the application shows, refreshes and signs
// out.
func (a *application) test(t *testing.T, server *rig.Cluster, want map[string]any) {
	t.Helper()
	p := rig.NewBrowser(server.Endpoint, testUser)
	p.SubmitForms = true // the application may have a sign-in button
	if page, at, err := p.Browse(t.Context(), a.base+cmp.Or(a.signIn, a.user)); err != nil || !strings.HasPrefix(at, a.base) {
		t.Fatalf("signing in led to %s: %v %v", at, page, err)
	}
	got := a.show(t, p, a.user)
	for name, value := range want {
		if !jsonEqual(got[name], value) {
			t.Errorf("the application shows %s = %v, want %v; all claims: %v", name, got[name], value, got)
		}
	}
	if a.refresh != "" {
		a.wantRefresh(t, p, want["email"])
	}
	p.SubmitForms = false
	page, at, err := p.Browse(t.Context(), a.base+a.signOut)
	if err != nil || page.Status != http.StatusOK || !strings.Contains(page.Body, a.signedOut) || !strings.HasPrefix(at, a.base) {
		t.Errorf("signing out led to %s: %v %v, want %q there", at, page, err, a.signedOut)
	}
	wantSignedOut(t, server, p)
}

// wantRefresh uses the application until its page or its output shows a refresh.
func (a *application) wantRefresh(t *testing.T, p *rig.Browser, email any) {
	t.Helper()
	for began := time.Now(); time.Since(began) < programTimeout; time.Sleep(50 * time.Millisecond) {
		page := a.show(t, p, a.refresh)
		if a.refreshOutput != "" && !strings.Contains(a.printed(), a.refreshOutput) {
			continue
		}
		if page["refreshed"] != true && !jsonEqual(page["email"], email) {
			t.Errorf("a refresh shows %v", page)
		}
		return
	}
	t.Error("the application did not refresh its tokens")
}

// show returns the JSON of a page of the application.
func (a *application) show(t *testing.T, p *rig.Browser, path string) map[string]any {
	t.Helper()
	page, at, err := p.Browse(t.Context(), a.base+path)
	if err != nil {
		t.Fatalf("%s led to %s: %v", path, at, err)
	}
	if page.Status != http.StatusOK || page.JSON == nil || !strings.HasPrefix(at, a.base) {
		t.Fatalf("%s led to %s with status %d: %.3000s", path, at, page.Status, page.Body)
	}
	return page.JSON
}

// wantSignedOut fails the test if the browser has a session at the server.
func wantSignedOut(t *testing.T, server *rig.Cluster, p *rig.Browser) {
	t.Helper()
	probe := rig.Client{ID: "probe", RedirectURI: "https://probe.example/callback", Scope: "openid", Method: "none"}
	rig.ImportClients(t, server, probe)
	response, err := p.Authorize(t.Context(), &probe, url.Values{"prompt": {"none"}})
	if err != nil {
		t.Fatal(err)
	}
	if response.Error != "login_required" {
		t.Errorf("after sign-out, prompt=none returned %q, want login_required", response.Error)
	}
}

// install runs the commands that install an application.
func install(t *testing.T, dir string, commands ...[]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	for _, command := range commands {
		program := exec.CommandContext(ctx, command[0], command[1:]...)
		program.Dir, program.WaitDelay = dir, time.Second
		if output, err := program.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
		}
	}
}

// copyApplication copies an application's directory, to keep the source tree clean.
func copyApplication(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// jsonEqual reports whether two values have the same JSON encoding.
func jsonEqual(got, want any) bool {
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	return bytes.Equal(a, b)
}
