// Package foreignusers reads the users in export files of other servers, and writes them in the
// form of `ostiary users import`.
package foreignusers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/scope"
)

// User is a user of another server.
type User struct {
	ID       string // at that server
	Username string
	// Entry is the user in the form of the import; nil if LeftOut is set.
	Entry   map[string]any
	LeftOut string   // why the user is not imported; empty if it is
	Notes   []string // parts of the user that are not imported, with the reason

	others []other
}

// other is a value that is no standard claim: the importer takes it if there is an attribute of the
// name.
type other struct {
	place, name string // place is where the export has it
	value       any    // from JSON; a list of strings for one or more values without a type
}

// note adds a part of the user that is not imported.
func (u *User) note(format string, args ...any) {
	u.Notes = append(u.Notes, fmt.Sprintf(format, args...))
}

// set sets a member of the entry, unless the value is empty.
func (u *User) set(member, value string) {
	if value != "" {
		u.Entry[member] = value
	}
}

// claim sets a claim, unless the value is empty.
func (u *User) claim(name string, value any) {
	claims, _ := u.Entry["claims"].(map[string]any)
	if claims == nil {
		claims = map[string]any{}
		u.Entry["claims"] = claims
	}
	if value != nil && value != "" {
		claims[name] = value
	}
}

// email sets the email address, which is invalid in some exports.
func (u *User) email(address string, verified bool) {
	if address == "" {
		return
	}
	if err := account.CheckEmail(address); err != nil {
		u.note("email address %s: %v", address, err)
		return
	}
	u.Entry["emails"] = []map[string]any{{"address": address, "verified": verified, "primary": true}}
}

// password sets the hash of the password, if it can be verified.
func (u *User) password(hash string) {
	if err := credential.CheckImportedHash(hash); err != nil {
		u.note("password: the hash has an unknown algorithm, or costs out of bounds")
		return
	}
	u.Entry["password_hash"] = hash
}

// names sets the groups or roles of the user, without invalid ones.
func (u *User) names(kind string, list []string) {
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	valid := []string{}
	for _, name := range list {
		if err := account.CheckNames(kind, []string{name}); err != nil {
			u.note("%s %q: %v", kind, name, err)
			continue
		}
		valid = append(valid, name)
	}
	u.Entry[kind+"s"] = valid
}

// attributes sets the standard claims among attributes of the user, by names. names has the
// attribute of each claim that does not have its name.
func (u *User) attributes(all map[string][]string, names map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		claim, text := name, strings.Join(all[name], ", ")
		if renamed, ok := names[name]; ok {
			claim = renamed
		}
		switch {
		case claim == "email_verified" || claim == "address" || claim == "updated_at" || !slices.Contains(scope.StandardClaims(), claim):
			list := make([]any, len(all[name]))
			for i, value := range all[name] {
				list[i] = value
			}
			u.others = append(u.others, other{"attributes", name, list})
		case len(all[name]) == 0:
		case claim == "phone_number_verified":
			u.claim(claim, text == "true")
		default:
			u.claim(claim, text)
		}
	}
}

// SetAttributes gives the users the attributes that the schema has, by name and with values of the
// type. It notes the values that they cannot have.
func SetAttributes(users []*User, schema []*account.Attribute) {
	for _, u := range users {
		if u.Entry == nil {
			continue
		}
		left := map[string][]string{}
		values := map[string]any{}
		for _, one := range u.others {
			i := slices.IndexFunc(schema, func(a *account.Attribute) bool { return a.Name == one.name })
			if i < 0 {
				left[one.place] = append(left[one.place], one.name)
				continue
			}
			value := convert(one.value, schema[i].Type)
			if err := schema[i].CheckValue(value); err != nil {
				u.note("%s: %v", one.place, err)
				continue
			}
			values[one.name] = value
		}
		if len(values) > 0 {
			u.Entry["attributes"] = values
		}
		for _, place := range slices.Sorted(maps.Keys(left)) {
			u.note("%s: %s", place, strings.Join(left[place], ", "))
		}
	}
}

// convert returns a value as one of the type, if that is possible.
func convert(value any, kind account.AttributeType) any {
	list, isList := value.([]any)
	switch {
	case kind == account.ListAttribute && !isList:
		return []any{value}
	case kind == account.ListAttribute || isList && len(list) != 1:
		return value
	case isList:
		value = list[0]
	}
	if text, isText := value.(string); isText && kind != account.StringAttribute {
		var typed any
		if json.Unmarshal([]byte(text), &typed) == nil {
			return typed
		}
	}
	return value
}

// passwordText sets a password that the export has in clear text, if it is long enough.
func (u *User) passwordText(text string) {
	if err := credential.CheckPassword(text); err != nil {
		u.note("password: %v", err)
		return
	}
	u.Entry["password"] = text
}

// LeaveOut removes the entry of the user and records the reason.
func (u *User) LeaveOut(format string, args ...any) {
	u.Entry, u.LeftOut = nil, fmt.Sprintf(format, args...)
}

// Reader reads the users of a server from its export files.
type Reader func(files ...[]byte) ([]*User, error)

// Entries returns the users that are imported as an import file.
func Entries(users []*User) ([]byte, error) {
	entries := []map[string]any{}
	for _, u := range users {
		if u.Entry != nil {
			entries = append(entries, u.Entry)
		}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, fmt.Errorf("write entries: %w", err)
	}
	return text, nil
}

// resolveConflicts leaves out users whose username is that of an earlier one, and marks
// addresses as not verified that an earlier user has verified.
func resolveConflicts(users []*User) {
	usernames, addresses := map[string]string{}, map[string]string{}
	for _, u := range users {
		if u.Entry == nil {
			continue
		}
		name, err := account.Username(u.Username)
		if err != nil {
			u.LeaveOut("username: %v", err)
			continue
		}
		if earlier, taken := usernames[name]; taken {
			u.LeaveOut("the username is that of %s", earlier)
			continue
		}
		usernames[name] = cmp.Or(u.ID, u.Username)
		list, _ := u.Entry["emails"].([]map[string]any)
		for _, one := range list {
			key, err := account.AddressKey(fmt.Sprint(one["address"]))
			if err != nil || one["verified"] != true {
				continue
			}
			if earlier, taken := addresses[key]; taken {
				one["verified"] = false
				u.note("email address: imported as not verified, because %s has verified it", earlier)
				continue
			}
			addresses[key] = cmp.Or(u.ID, u.Username)
		}
	}
}
