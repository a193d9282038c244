package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/term"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/manage"
)

// passwordFlags select the source of a password. The command line itself is not one, since
// other users of the machine can read it.
type passwordFlags struct {
	PasswordFile string `help:"Read the password from this file; - is standard input." xor:"password" placeholder:"FILE"`
	Generate     bool   `help:"Generate a password and print it once." xor:"password"`
}

// newPassword is a valid password for an account.
type newPassword struct {
	text      string
	generated bool // and must be shown
}

// shownOnceNote is the note that accompanies a generated secret.
const shownOnceNote = "The %s is shown only once: it cannot be retrieved later.\n"

// password returns the password of the flags or of a prompt, hashed.
func (f *passwordFlags) password(ctx context.Context, d *database) (newPassword, error) {
	var p newPassword
	var err error
	switch {
	case f.Generate:
		p = newPassword{manage.NewPassword(), true}
	case f.PasswordFile != "":
		var text []byte
		if text, err = d.readInput(f.PasswordFile); err != nil {
			return newPassword{}, err
		}
		p.text = trimLineEnd(text)
	default:
		if p.text, err = d.askPassword(ctx); err != nil {
			return newPassword{}, err
		}
	}
	return p, credential.CheckPassword(p.text)
}

// askPassword prompts twice for a password, without echo.
func (s Streams) askPassword(ctx context.Context) (string, error) {
	fd, ok := s.terminal()
	if !ok {
		return "", errors.New("not a terminal: pass --password-file or --generate")
	}
	// Echo is off before the prompt appears, so that no input is shown.
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	defer term.Restore(fd, before) //nolint:errcheck // the error changes nothing
	console := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{s.In, s.Err}, "")
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Repeat password: "} {
		typed[i], err = readInterruptibly(ctx, func() (string, error) { return console.ReadPassword(prompt) })
		if errors.Is(err, io.EOF) { // also Ctrl+C
			return "", errors.New("no password entered")
		}
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
	}
	if typed[0] != typed[1] {
		return "", errors.New("the passwords do not match")
	}
	return typed[0], nil
}
