//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// expressStart and expressEnd are an application in which all pages require a sign-in; between them it
// has the settings that the console shows. It shows the claims of the ID token.
const (
	expressStart = `import express from 'express'
import openid from 'express-openid-connect'
const { auth } = openid
const app = express()
`
	expressEnd = `
app.get('/', (req, res) => res.send('<!doctype html><link rel="icon" href="data:,"><pre id="claims">' + JSON.stringify(req.oidc.user) + '</pre>'))
app.listen(new URL(process.env.BASE_URL).port, 'localhost')
`
)

// installExpress installs Express and express-openid-connect from the registry of npm, and returns
// their folder.
func installExpress(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("..", "clients", "frameworks", "express", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retry-mintimeout", "1000")
	npm.Dir = dir
	if output, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("install Express: %v\n%s", err, output)
	}
	return dir
}

// freeOrigin returns an origin on localhost that nobody serves.
func freeOrigin(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "http://localhost:" + port
}

// runExpress runs an application at an origin, with the settings and the environment pasted into it,
// until the test ends.
func runExpress(t *testing.T, modules, origin, settings, environment string) {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	program, env := filepath.Join(modules, "app-"+u.Port()+".mjs"), filepath.Join(modules, "app-"+u.Port()+".env")
	// Each has its own secret, since browsers send the cookies of localhost to all ports.
	environment = strings.Replace(environment, "SESSION_SECRET=SESSION_SECRET", "SESSION_SECRET="+rand.Text()+rand.Text(), 1)
	for file, text := range map[string]string{program: expressStart + settings + expressEnd, env: environment + "\nBASE_URL=" + origin + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var output bytes.Buffer
	node := exec.Command("node", "--env-file", env, program)
	node.Stdout, node.Stderr = &output, &output
	node.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = node.Process.Kill() // it may have ended
		_ = node.Wait()
		if t.Failed() {
			t.Logf("the application at %s printed:\n%s", origin, output.String())
		}
	})
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(20 * time.Millisecond) {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host); err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("the application does not listen at %s", origin)
}
