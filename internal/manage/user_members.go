package manage

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// emailEntry is an email address in a file of users.
type emailEntry struct {
	Address  string `json:"address"`
	Verified bool   `json:"verified"`
	Primary  bool   `json:"primary"`
}

// userMembersEntry has the members of an entry beside names, passwords and claims; nil if absent.
type userMembersEntry struct {
	Emails     *[]emailEntry
	Groups     *[]string
	Roles      *[]string
	Attributes *map[string]any
	AdminRole  *account.AdminRole
	State      *account.State
}

// decode reads the members with a function that reports whether a member is present and valid.
func (m *userMembersEntry) decode(decode func(name string, into any, kind string) bool) (faults []error) {
	decode("emails", &m.Emails, "an array of objects with address, verified and primary")
	for kind, names := range map[string]**[]string{"group": &m.Groups, "role": &m.Roles} {
		if decode(kind+"s", names, "an array of strings") {
			if err := account.CheckNames(kind, **names); err != nil {
				faults = append(faults, fmt.Errorf("%ss: %w", kind, err))
			}
			slices.Sort(**names)
		}
	}
	decode("attributes", &m.Attributes, "an object")
	if decode("state", &m.State, "a string") {
		if err := account.CheckState(*m.State); err != nil {
			faults = append(faults, err)
		}
	}
	if decode("admin_role", &m.AdminRole, "a string") {
		if err := account.CheckAdminRole(*m.AdminRole); err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

// apply changes an account to the members that the entry has. A verified address keeps the time
// of its verification.
func (m *userMembersEntry) apply(a *account.Account, now time.Time) error {
	if m.Groups != nil {
		a.Groups = slices.Clone(*m.Groups)
	}
	if m.Roles != nil {
		a.Roles = slices.Clone(*m.Roles)
	}
	if m.AdminRole != nil {
		a.AdminRole = *m.AdminRole
	}
	if m.Attributes != nil {
		a.Attributes = maps.Clone(*m.Attributes)
	}
	if m.State != nil {
		a.SetState(*m.State, now)
	}
	if m.Emails == nil {
		return nil
	}
	var list []account.Address
	for _, one := range *m.Emails {
		next := account.Address{Address: one.Address, Primary: one.Primary}
		if before := a.Address(one.Address); one.Verified && before != nil {
			next.VerifiedAt = before.VerifiedAt
		}
		if one.Verified && next.VerifiedAt.IsZero() {
			next.VerifiedAt = now.Truncate(time.Microsecond)
		}
		list = append(list, next)
	}
	if err := a.SetAddresses(list); err != nil {
		return fmt.Errorf("emails: %w", err)
	}
	return nil
}

var (
	errOtherSubject = errors.New("subject differs from that of the user with this username")
	errBadSubject   = errors.New("subject must be 1 to 255 printable ASCII characters")
)

// checkSubject checks the subject of a new user.
//
// Spec: OpenID Connect Core §2 (sub).
func checkSubject(subject string) error {
	notPrintable := func(c byte) bool { return c < ' ' || c > '~' }
	if subject == "" || len(subject) > 255 || slices.ContainsFunc([]byte(subject), notPrintable) {
		return errBadSubject
	}
	return nil
}

// UserExport is a user in the form of the import.
type UserExport struct {
	Subject      string            `json:"subject"`
	Username     string            `json:"username"`
	PasswordHash json.RawMessage   `json:"password_hash,omitempty"` // null for a user without a password
	Emails       []emailEntry      `json:"emails,omitempty"`
	Claims       map[string]any    `json:"claims,omitempty"`
	Groups       []string          `json:"groups,omitempty"`
	Roles        []string          `json:"roles,omitempty"`
	Attributes   map[string]any    `json:"attributes,omitempty"`
	AdminRole    account.AdminRole `json:"admin_role,omitempty"`
	State        account.State     `json:"state,omitempty"`
}

// ExportUser returns a user in the form of the import, with the password hash if credentials is
// true. Emails stand for the claims email and email_verified.
func ExportUser(a *account.Account, credentials bool) UserExport {
	e := UserExport{
		Subject: a.Subject, Username: a.Name(), Emails: emailEntries(a), Groups: a.Groups, Roles: a.Roles, AdminRole: a.AdminRole,
		Claims: map[string]any{}, Attributes: a.Attributes,
	}
	if state := a.CurrentState(); state != account.Active {
		e.State = state
	}
	for name, value := range a.Claims {
		if len(a.Addresses) == 0 || name != "email" && name != "email_verified" {
			e.Claims[name] = value
		}
	}
	if credentials {
		e.PasswordHash = json.RawMessage("null")
		if a.Password != nil {
			e.PasswordHash, _ = json.Marshal(a.PasswordHash())
		}
	}
	return e
}
