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

	"github.com/ostiary/ostiary/internal/clientcert/certtest"
)

// programTimeout is the longest wait for a program, including package installation.
const programTimeout = 4 * time.Minute

// script returns a function that runs an application as a program.
func script(command ...string) func(*testing.T, string, *app, *browser) (*appView, error) {
	return func(t *testing.T, issuer string, a *app, b *browser) (*appView, error) {
		t.Helper()
		env := []string{
			"ISSUER=" + issuer, "CLIENT_ID=" + a.ID, "CLIENT_AUTH=" + a.Method,
			"REDIRECT_URI=" + a.RedirectURI, "POST_LOGOUT_REDIRECT_URI=" + a.postLogoutURI,
		}
		if a.Secret != "" {
			env = append(env, "CLIENT_SECRET="+a.Secret)
		}
		if a.key != "" {
			env = append(env, "CLIENT_KEY="+a.key)
		}
		if a.dpop {
			env = append(env, "DPOP=on")
		}
		if a.par {
			env = append(env, "PAR=on")
		}
		if a.jar {
			env = append(env, "JAR=on")
		}
		if a.jarm {
			env = append(env, "JARM=PS256")
		}
		if a.certificate != nil {
			certFile, keyFile := certtest.Files(t, *a.certificate)
			env = append(env, "TLS_CERT="+certFile, "TLS_KEY="+keyFile, "TLS_CA="+a.caFile)
		}
		view := &appView{}
		return view, converse(t, command, env, view, func(address string) (string, error) { return b.follow(t.Context(), address) })
	}
}

// converse runs a program to its end. The program prints JSON objects, whose members are read into view.
// Open opens the URL of a member go_to and returns the line that the program reads after it.
func converse(t *testing.T, command, env []string, view any, open func(address string) (string, error)) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	program := exec.CommandContext(ctx, command[0], command[1:]...)
	program.WaitDelay = time.Second
	program.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	stdin, err := program.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := program.StdoutPipe()
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	program.Stderr = &stderr
	if err := program.Start(); err != nil {
		return err
	}
	err = answer(stdin, stdout, view, open)
	// If there is no response, the closed input ends a program that waits for one.
	if err := errors.Join(err, stdin.Close(), program.Wait()); err != nil {
		return fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	return nil
}

// answer reads the outputs of a program and sends it the results of open.
func answer(stdin io.Writer, stdout io.Reader, view any, open func(address string) (string, error)) error {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var step struct {
			GoTo string `json:"go_to"`
		}
		if err := errors.Join(json.Unmarshal(lines.Bytes(), view), json.Unmarshal(lines.Bytes(), &step)); err != nil {
			return fmt.Errorf("%w: %s", err, lines.Text())
		}
		if step.GoTo == "" {
			continue
		}
		back, err := open(step.GoTo)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(stdin, back); err != nil {
			return err
		}
	}
	return nil
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
