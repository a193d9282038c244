package login

import (
	"context"
	"errors"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
)

// PasswordPolicy decides which passwords users may choose.
type PasswordPolicy interface {
	// Check returns a [*passwordpolicy.Fault] for a password that the user may not set.
	Check(ctx context.Context, c passwordpolicy.Choice) error
}

// BreachChecks compares passwords with a list of breached ones in the background.
type BreachChecks interface {
	// Add queues the check of a right password, given its stored hash.
	Add(subject, hash, password string)
}

// fieldError reports an invalid field of a form.
type fieldError struct {
	field   string
	message messages.Message // for the user
}

// Error implements error.
func (e *fieldError) Error() string { return "invalid " + e.field }

// checkCredentials returns the canonical form of a username that a user chooses, or a
// [*fieldError] if it is not acceptable, the length of the password is invalid or repeat
// differs from it.
func checkCredentials(username, repeat string, c passwordpolicy.Choice) (string, error) {
	canonical, err := checkUsername(username)
	if err != nil {
		return "", err
	}
	if err := passwordpolicy.CheckLength(c); err != nil {
		return "", passwordError(err)
	}
	if c.Password != repeat {
		return "", &fieldError{"password", messages.New("password.mismatch")}
	}
	return canonical, nil
}

// checkUsername returns the canonical form of a username that a user chooses, or a [*fieldError].
func checkUsername(username string) (string, error) {
	canonical, err := account.Username(username)
	if err != nil {
		return "", &fieldError{"username", messages.New("username.invalid")}
	}
	return canonical, nil
}

// passwordError returns the [*fieldError] for a rejected password. Other errors are returned
// as they are.
func passwordError(err error) error {
	if fault := (*passwordpolicy.Fault)(nil); errors.As(err, &fault) {
		return &fieldError{"password", pages.PasswordFault(fault)}
	}
	return err
}

// choice is a password that the user of the account chooses.
func (c *Config) choice(a *account.Account, password string) passwordpolicy.Choice {
	choice := passwordpolicy.Choice{Password: password, Names: []string{a.Name()}, SecondFactor: c.FactorPolicy.Requires(a)}
	for _, claim := range []string{"name", "given_name", "family_name", "nickname"} {
		if name, ok := a.Claims[claim].(string); ok {
			choice.Names = append(choice.Names, name)
		}
	}
	for _, one := range a.Addresses {
		choice.Names = append(choice.Names, one.Address)
	}
	return choice
}

// checkPassword returns a [*fieldError] for a password that the user may not choose.
func (c *Config) checkPassword(ctx context.Context, choice passwordpolicy.Choice) error {
	err := passwordpolicy.CheckLength(choice)
	if err == nil {
		err = c.PasswordPolicy.Check(ctx, choice)
	}
	return passwordError(err)
}
