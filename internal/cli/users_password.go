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

// passwordFlags say where a password comes from. Never from the command line
// itself, where everybody on the machine can read it.
type passwordFlags struct {
	PasswordFile string `help:"Read the password from this file; - is standard input." xor:"password" placeholder:"FILE"`
	Generate     bool   `help:"Generate a password and print it once." xor:"password"`
}

// newPassword is a valid password for an account.
type newPassword struct {
	text      string
	generated bool // and must be shown
}

// shownOnce goes with what was made.
const shownOnceNote = "The %s is shown this once: it is not kept in a form that can be read.\n"

// password gets a password from where the flags say, or from a person.
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

// askPassword asks twice, and shows nothing of what is typed.
func (s Streams) askPassword(ctx context.Context) (string, error) {
	fd, ok := s.terminal()
	if !ok {
		return "", errors.New("not a terminal: pass --password-file or --generate")
	}
	// The terminal falls silent before the question appears, so that no answer is
	// too quick to be hidden.
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("ask for password: %w", err)
	}
	defer term.Restore(fd, before) //nolint:errcheck // the error changes nothing
	console := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{s.In, s.Err}, "")
	var typed [2]string
	for i, prompt := range []string{"Password: ", "The same again: "} {
		typed[i], err = readInterruptibly(ctx, func() (string, error) { return console.ReadPassword(prompt) })
		if errors.Is(err, io.EOF) { // which is Ctrl+C as well
			return "", errors.New("no password was given")
		}
		if err != nil {
			return "", fmt.Errorf("ask for password: %w", err)
		}
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords are not the same")
	}
	return typed[0], nil
}
