// Package passwordpolicy decides which passwords users may choose. Operators may set any
// password whose length is valid, see [credential.CheckPassword].
package passwordpolicy

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/ostiary/ostiary/internal/credential"
)

const (
	// MinAlone is the minimum number of characters of a password that signs a user in by itself.
	MinAlone = 15
	// MinWithSecondFactor is the minimum number of characters where a second factor is
	// required too.
	MinWithSecondFactor = credential.MinPassword
)

// Reason is why a password is rejected.
type Reason string

// The reasons.
const (
	TooShort Reason = "too-short"
	TooLong  Reason = "too-long"
	Common   Reason = "common"   // on the list of common passwords, or made of one
	Name     Reason = "name"     // made of the name of the user, the service or the application
	Keyboard Reason = "keyboard" // adjacent keys
	Repeated Reason = "repeated" // repetitions, or sequences such as abcdef
	Date     Reason = "date"
	Breached Reason = "breached" // on a list of passwords from data breaches
	Weak     Reason = "weak"     // easy to guess for another reason
)

// Fault reports a rejected password.
type Fault struct { //nolint:errname // a fault of the input
	Reason Reason
	Limit  int // the number of characters, for TooShort and TooLong
}

// Error describes the fault, for operators.
func (f *Fault) Error() string {
	switch f.Reason {
	case TooShort:
		return fmt.Sprintf("a password that a user chooses has at least %d characters", f.Limit)
	case TooLong:
		return fmt.Sprintf("a password has at most %d characters", f.Limit)
	case Common:
		return "the password is one of the most common ones, or made of one"
	case Name:
		return "the password is made of the name of the user, the service or the application"
	case Keyboard:
		return "the password follows the keys of a keyboard"
	case Repeated:
		return "the password is made of repetitions or sequences"
	case Date:
		return "the password is made of a date"
	case Breached:
		return "the password has appeared in a data breach"
	case Weak:
	}
	return "the password is easy to guess"
}

// Choice is a password that a user wants to set.
type Choice struct {
	Password string
	// Names are the names of the user and of the application: username, full name, email
	// addresses, client name. Empty ones are ignored.
	Names []string
	// SecondFactor reports that the user needs a second factor in addition to the password.
	SecondFactor bool
}

// Processor runs expensive work when the server has the capacity for it.
type Processor interface {
	// Run calls work, or returns an error if the server is busy.
	Run(ctx context.Context, work func()) error
}

// Policy checks passwords that users choose.
type Policy struct {
	Service   []string  // names of the service, such as its host
	Processor Processor // runs the estimate of the strength
	// Breaches is a list of passwords that are rejected; nil for none. Log reports that it
	// could not be read.
	Breaches Breaches
	Log      *slog.Logger
}

// MinLength returns the minimum number of characters of a password.
//
// Spec: NIST SP 800-63B-4 §3.1.1.2.
func MinLength(secondFactor bool) int {
	if secondFactor {
		return MinWithSecondFactor
	}
	return MinAlone
}

// CheckLength returns a [*Fault] if the password of c is too short or too long. Characters
// are code points after NFC.
func CheckLength(c Choice) error {
	n := utf8.RuneCountInString(norm.NFC.String(c.Password))
	switch least := MinLength(c.SecondFactor); {
	case n < least:
		return &Fault{TooShort, least}
	case credential.CheckPassword(c.Password) != nil:
		return &Fault{TooLong, credential.MaxCharacters}
	}
	return nil
}

// Check returns a [*Fault] if the user may not set the password of c, or an error of the
// processor if it is busy.
//
// Spec: NIST SP 800-63B-4 §3.1.1.2.
func (p *Policy) Check(ctx context.Context, c Choice) error {
	if err := CheckLength(c); err != nil {
		return err
	}
	password := norm.NFC.String(c.Password)
	names := words(append(slices.Clone(p.Service), c.Names...))
	if reason := pattern(strings.ToLower(password), names); reason != "" {
		return &Fault{Reason: reason}
	}
	var weakness Reason
	if err := p.Processor.Run(ctx, func() { weakness = estimate(password, names) }); err != nil {
		return err
	}
	if weakness != "" {
		return &Fault{Reason: weakness}
	}
	if p.isBreached(ctx, password) {
		return &Fault{Reason: Breached}
	}
	return nil
}
