//go:build e2e

package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// programTimeout is the longest wait for a program, including package installation.
const programTimeout = 4 * time.Minute

// script returns a function that runs an application as a program.
func script(command ...string) func(*testing.T, string, *app, *browser) (*appView, error) {
	return func(t *testing.T, issuer string, a *app, b *browser) (*appView, error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
		defer cancel()
		program := exec.CommandContext(ctx, command[0], command[1:]...)
		program.WaitDelay = time.Second
		program.Env = []string{
			"PATH=" + os.Getenv("PATH"), "ISSUER=" + issuer, "CLIENT_ID=" + a.ID, "CLIENT_AUTH=" + a.Method,
			"REDIRECT_URI=" + a.RedirectURI, "POST_LOGOUT_REDIRECT_URI=" + a.postLogoutURI,
		}
		if a.Secret != "" {
			program.Env = append(program.Env, "CLIENT_SECRET="+a.Secret)
		}
		if a.key != "" {
			program.Env = append(program.Env, "CLIENT_KEY="+a.key)
		}
		if a.dpop {
			program.Env = append(program.Env, "DPOP=on")
		}
		if a.par {
			program.Env = append(program.Env, "PAR=on")
		}
		if a.jar {
			program.Env = append(program.Env, "JAR=on")
		}
		if a.jarm {
			program.Env = append(program.Env, "JARM=PS256")
		}
		stdin, err := program.StdinPipe()
		if err != nil {
			return nil, err
		}
		stdout, err := program.StdoutPipe()
		if err != nil {
			return nil, err
		}
		var stderr bytes.Buffer
		program.Stderr = &stderr
		if err := program.Start(); err != nil {
			return nil, err
		}
		view, err := converse(t, stdin, stdout, b)
		// If there is no response, the closed input ends a program that waits for one.
		err = errors.Join(err, stdin.Close(), program.Wait())
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, stderr.Bytes())
		}
		return view, nil
	}
}

// converse reads the outputs of the application and sends it the redirect URLs.
func converse(t *testing.T, stdin io.Writer, stdout io.Reader, b *browser) (*appView, error) {
	t.Helper()
	view := &appView{}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		view.GoTo = ""
		if err := json.Unmarshal(lines.Bytes(), view); err != nil {
			return nil, fmt.Errorf("%w: %s", err, lines.Text())
		}
		if view.GoTo == "" {
			continue
		}
		back, err := b.follow(t.Context(), view.GoTo)
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintln(stdin, back); err != nil {
			return nil, err
		}
	}
	return view, nil
}

// install runs the commands that install an application. If one fails, the test fails
// with the message why.
func install(t *testing.T, why string, commands ...[]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	for _, command := range commands {
		program := exec.CommandContext(ctx, command[0], command[1:]...)
		program.WaitDelay = time.Second
		if output, err := program.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", why, err, output)
		}
	}
}

// copyInto copies files into a directory, to keep the checkout clean.
func copyInto(t *testing.T, dir, from string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(dir+"/"+name), 0o700); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(from + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
