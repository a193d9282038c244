package manage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
)

// userEntry is a user in an import file.
type userEntry struct {
	Username      string   // in the form of a new username, or of the stored one
	forms         []string // in which the username may be stored
	Password      string
	PasswordHash  string
	NoPassword    bool // password_hash is null: a new user has none
	Claims        map[string]any
	Administrator *bool // nil if absent
	Subject       string
	userMembersEntry

	number int // in the file, from 1
	faulty bool
}

// EntryError is the error of an entry of an import file.
type EntryError struct {
	Number   int    // of the entry, from 1
	Username string // may be empty
	Err      error
}

func (e *EntryError) Error() string {
	if e.Username == "" {
		return fmt.Sprintf("entry %d: %v", e.Number, e.Err)
	}
	return fmt.Sprintf("entry %d (%q): %v", e.Number, e.Username, e.Err)
}

func (e *EntryError) Unwrap() error { return e.Err }

// EntryErrors returns the errors of entries that [UserImporter.Read] has joined, nil if err is
// or contains another error.
func EntryErrors(err error) []*EntryError {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var all []*EntryError
	for _, one := range joined.Unwrap() {
		entry, ok := errors.AsType[*EntryError](one)
		if !ok {
			return nil
		}
		all = append(all, entry)
	}
	return all
}

// fault adds the entry to err.
func (e *userEntry) fault(err error) error { return &EntryError{e.number, e.Username, err} }

// find returns the known account of the entry, and gives the entry its username; nil if there is
// none.
func (e *userEntry) find(known map[string]*account.Account) *account.Account {
	for _, form := range e.forms {
		if a := known[form]; a != nil {
			e.Username = form
			return a
		}
	}
	return nil
}

// apply changes an account to the entry. Claims replace those of the account, except that
// its addresses stay if the entry has no email.
func (e *userEntry) apply(a *account.Account, now time.Time) error {
	if e.Administrator != nil {
		a.AdminRole = account.NoAdminRole
		if *e.Administrator {
			a.AdminRole = account.Owner
		}
	}
	if e.Claims == nil {
		return e.userMembersEntry.apply(a, now)
	}
	var gone []string
	for name := range a.Claims {
		if _, stays := e.Claims[name]; !stays && name != "email" && name != "email_verified" {
			gone = append(gone, name)
		}
	}
	if err := a.SetClaims(e.Claims, gone, now); err != nil {
		return fmt.Errorf("claims.email: %w", err)
	}
	return e.userMembersEntry.apply(a, now)
}

// parseUsers parses users from a JSON array, or from an object with such a member users. It
// returns the entries with a username, and the errors of all entries.
func parseUsers(text []byte) (entries []*userEntry, faults []error) {
	raw, err := entryList(text, "users")
	if err != nil {
		return nil, []error{err}
	}
	first := make(map[string]int, len(raw))
	for i, one := range raw {
		e, bad := parseUser(one)
		e.number, e.faulty = i+1, len(bad) > 0
		for _, err := range bad {
			faults = append(faults, e.fault(err))
		}
		if e.Username == "" {
			continue
		}
		if earlier, ok := first[e.Username]; ok {
			faults = append(faults, e.fault(fmt.Errorf("username is that of entry %d", earlier)))
			continue
		}
		first[e.Username] = e.number
		entries = append(entries, e)
	}
	return entries, faults
}

// entryList returns the entries of a file.
func entryList(text []byte, member string) ([]json.RawMessage, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line := 1 + bytes.Count(text[:syntax.Offset], []byte("\n"))
			return nil, fmt.Errorf("line %d: not JSON: %w", line, err)
		}
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	var list []json.RawMessage
	if _, ok := whole.([]any); ok {
		return list, json.Unmarshal(text, &list)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err == nil {
		if err := json.Unmarshal(object[member], &list); err == nil && list != nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("must be an array, or an object with an array %s", member)
}

func userMembers() []string {
	return []string{
		"subject", "username", "password", "password_hash", "emails", "claims", "groups", "roles", "attributes", "administrator", "admin_role", "state",
	}
}

func parseUser(raw json.RawMessage) (e *userEntry, faults []error) {
	e = &userEntry{}
	fail := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return e, []error{errors.New("must be a JSON object")}
	}
	// decode reports whether the member is present and has the right type.
	decode := func(name string, into any, kind string) bool {
		value, ok := members[name]
		if !ok || bytes.Equal(value, []byte("null")) {
			return false
		}
		if err := json.Unmarshal(value, into); err != nil {
			fail("%s must be %s", name, kind)
			return false
		}
		return true
	}

	var username string
	decode("username", &username, "a string")
	e.forms = account.UsernameForms(username)
	switch {
	case members["username"] == nil:
		fail("username is missing")
	case len(e.forms) == 0 && len(faults) == 0:
		fail("username: %w", account.ErrBadUsername)
	case len(e.forms) > 0:
		e.Username = e.forms[0]
	}
	if decode("password", &e.Password, "a string") {
		if err := credential.CheckPassword(e.Password); err != nil {
			fail("password: %w", err)
		}
	}
	if decode("password_hash", &e.PasswordHash, "a string") && credential.CheckImportedHash(e.PasswordHash) != nil {
		fail("password_hash must be argon2, bcrypt, PBKDF2 or scrypt: $argon2id$v=19$m=...,t=...,p=...$salt$hash, $argon2i$..., $2b$..., $pbkdf2-sha256$i=...,l=...$salt$hash, pbkdf2_sha256$..., $scrypt$ln=...,r=...,p=...$salt$hash or $firescrypt$...")
	}
	e.NoPassword = bytes.Equal(members["password_hash"], []byte("null"))
	if e.Password != "" && e.PasswordHash != "" {
		fail("password and password_hash exclude each other")
	}
	if decode("claims", &e.Claims, "an object") {
		faults = append(faults, CheckClaims(e.Claims)...)
	}
	decode("administrator", &e.Administrator, "true or false")
	if decode("subject", &e.Subject, "a string") {
		if err := checkSubject(e.Subject); err != nil {
			fail("%w", err)
		}
	}
	faults = append(faults, e.decode(decode)...)
	if e.Administrator != nil && e.AdminRole != nil {
		fail("administrator and admin_role exclude each other")
	}
	if _, both := e.Claims["email"]; both && e.Emails != nil {
		fail("emails and claims.email exclude each other")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(userMembers(), name) {
			fail("%s is unknown; did you mean %s?", strconv.Quote(name), config.Nearest(userMembers(), name))
		}
	}
	return e, faults
}
