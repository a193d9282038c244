package account

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// AdminRole is what an account may do as an administrator. It is in no token of a client.
type AdminRole string

// The roles of administrators. An account with NoAdminRole is not an administrator.
const (
	NoAdminRole   AdminRole = ""
	Owner         AdminRole = "owner"
	Administrator AdminRole = "administrator"
	Support       AdminRole = "support"
	Auditor       AdminRole = "auditor"
)

// AdminRoles returns the roles of administrators, the one with the most rights first.
func AdminRoles() []AdminRole { return []AdminRole{Owner, Administrator, Support, Auditor} }

// RoleChange describes a change of the role for the audit log.
func RoleChange(before, after AdminRole) string {
	const none = "none"
	return "admin_role: " + cmp.Or(string(before), none) + " to " + cmp.Or(string(after), none)
}

// ErrLastOwner reports a change after which no enabled account would be an owner.
var ErrLastOwner = errors.New("this is the last owner; make another user an owner first")

// CheckAdminRole returns an error for an unknown role.
func CheckAdminRole(r AdminRole) error {
	if r != NoAdminRole && !slices.Contains(AdminRoles(), r) {
		return errors.New("admin_role must be owner, administrator, support, auditor or empty")
	}
	return nil
}

// State is what a user must do before the account can be used.
type State string

// The states of accounts. A disabled account has [Account.DisabledAt] beside one of the others,
// and is never stored as Disabled.
const (
	Active             State = "active"
	Disabled           State = "disabled"
	MustChangePassword State = "must_change_password"
	MustEnrol          State = "must_enrol" // a second factor or a passkey
)

// CurrentState returns the state of the account as operators see it: Disabled has precedence.
func (a *Account) CurrentState() State {
	switch {
	case !a.DisabledAt.IsZero():
		return Disabled
	case a.State == "":
		return Active
	}
	return a.State
}

// SetState changes the state as of now. A locked account stays disabled.
func (a *Account) SetState(s State, now time.Time) {
	switch {
	case s != Disabled:
		a.State, a.DisabledAt = s, a.LockedAt
	case a.DisabledAt.IsZero():
		a.DisabledAt = now.Truncate(time.Microsecond)
	}
}

// CheckState returns an error for an unknown state.
func CheckState(s State) error {
	if !slices.Contains([]State{Active, Disabled, MustChangePassword, MustEnrol}, s) {
		return errors.New("state must be active, disabled, must_change_password or must_enrol")
	}
	return nil
}

// Released is what scopes release of an account beside its claims.
type Released struct {
	Groups     []string
	Roles      []string
	Attributes json.RawMessage // an object of attributes by name, nil if there is none
}

const maxName = 255 // bytes of the name of a group or role

// CheckNames returns an error unless each name can be that of a group or a role: 1 to 255
// bytes of text without control characters, and without spaces at its ends.
func CheckNames(kind string, names []string) error {
	for i, name := range names {
		hidden := func(r rune) bool {
			return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
		}
		if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.TrimSpace(name) != name || strings.ContainsFunc(name, hidden) {
			return fmt.Errorf("the name of a %s must be 1 to 255 bytes of text without control characters, and without spaces at its ends", kind)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("the %s %s is listed twice", kind, name)
		}
	}
	return nil
}
