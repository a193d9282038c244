package manage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/config"
)

// patchedMembers are the members of a user that a patch changes, in the form of the import.
type patchedMembers struct {
	Emails     []emailEntry      `json:"emails"`
	Claims     map[string]any    `json:"claims"`
	Groups     []string          `json:"groups"`
	Roles      []string          `json:"roles"`
	Attributes map[string]any    `json:"attributes"`
	AdminRole  account.AdminRole `json:"admin_role"`
	State      account.State     `json:"state"`
}

// memberKinds returns the names of the members that a patch changes, with their types.
func memberKinds() map[string]string {
	return map[string]string{
		"emails": "an array of objects with address, verified and primary", "claims": "an object", "groups": "an array of strings",
		"roles": "an array of strings", "attributes": "an object", "admin_role": "a string", "state": "a string",
	}
}

// Patch applies a JSON Merge Patch to emails, claims, groups, roles, attributes, admin_role and
// state of a user, and returns the result. The password, sessions and grants stay. It has the errors of
// [Users.Update].
//
// Spec: RFC 7396 §2.
func (m *Users) Patch(ctx context.Context, subject string, patch json.RawMessage) (*account.Account, error) {
	var members map[string]any
	if err := json.Unmarshal(patch, &members); err != nil || members == nil {
		return nil, invalidUser("the patch must be a JSON object")
	}
	kinds := memberKinds()
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if kinds[name] == "" {
			known := slices.Sorted(maps.Keys(kinds))
			return nil, invalidUser("%s cannot be changed here; did you mean %s?", strconv.Quote(name), config.Nearest(known, name))
		}
	}
	if claims, ok := members["claims"].(map[string]any); ok && members["emails"] != nil {
		_, email := claims["email"]
		if _, verified := claims["email_verified"]; email || verified {
			return nil, invalidUser("emails and claims.email exclude each other")
		}
	}
	schema, err := m.Attributes.ListAttributes(ctx)
	if err != nil {
		return nil, err
	}
	now := m.Now()
	return m.change(ctx, subject, now, func(a *account.Account) error { return patchUser(a, schema, members, now) })
}

// patchUser applies the members of a patch to an account.
func patchUser(a *account.Account, schema []*account.Attribute, patch map[string]any, now time.Time) error {
	before := patchedMembers{emailEntries(a), a.Claims, a.Groups, a.Roles, a.Attributes, a.AdminRole, a.CurrentState()}
	text, err := json.Marshal(before)
	if err != nil {
		return fmt.Errorf("write members: %w", err)
	}
	var document any
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("read members: %w", err)
	}
	merged, _ := mergePatch(document, patch).(map[string]any)
	after := before
	into := map[string]any{
		"emails": &after.Emails, "claims": &after.Claims, "groups": &after.Groups, "roles": &after.Roles,
		"attributes": &after.Attributes, "admin_role": &after.AdminRole, "state": &after.State,
	}
	for _, name := range slices.Sorted(maps.Keys(patch)) {
		reflect.ValueOf(into[name]).Elem().SetZero()
		if err := decodeMember(merged[name], into[name]); err != nil {
			return invalidUser("%s must be %s", name, memberKinds()[name])
		}
	}
	if _, changed := patch["attributes"]; changed {
		if a.Attributes, err = checkAttributes(schema, a.Attributes, after.Attributes); err != nil {
			return err
		}
	}
	return after.apply(a, patch, now)
}

// decodeMember decodes a value of a patched document. A member that the patch removed is nil.
func decodeMember(value, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if value == nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// apply changes an account to the members that are in the patch.
func (m *patchedMembers) apply(a *account.Account, patch map[string]any, now time.Time) error {
	has := func(name string) bool { _, ok := patch[name]; return ok }
	if has("claims") {
		if err := m.applyClaims(a, now); err != nil {
			return err
		}
	}
	entry := userMembersEntry{}
	if has("emails") {
		entry.Emails = &m.Emails
	}
	if has("groups") {
		slices.Sort(m.Groups)
		entry.Groups = &m.Groups
	}
	if has("roles") {
		slices.Sort(m.Roles)
		entry.Roles = &m.Roles
	}
	if has("admin_role") {
		entry.AdminRole = &m.AdminRole
	}
	if has("state") {
		a.SetState(cmp.Or(m.State, account.Active), now)
	}
	if err := entry.apply(a, now); err != nil {
		return &InvalidUserError{err}
	}
	return nil
}

// applyClaims changes the claims of an account to those of m.
func (m *patchedMembers) applyClaims(a *account.Account, now time.Time) error {
	set, remove := map[string]any{}, []string{}
	for name, value := range m.Claims {
		if before, ok := a.Claims[name]; !ok || !reflect.DeepEqual(before, value) {
			set[name] = value
		}
	}
	for name := range a.Claims {
		if _, stays := m.Claims[name]; !stays {
			remove = append(remove, name)
		}
	}
	if err := errors.Join(CheckClaims(set)...); err != nil {
		return &InvalidUserError{err}
	}
	if err := a.SetClaims(set, remove, now); err != nil {
		return invalidUser("claims.email: %w", err)
	}
	return nil
}

// mergePatch returns the target after a JSON Merge Patch.
//
// Spec: RFC 7396 §2.
func mergePatch(target, patch any) any {
	members, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, _ := target.(map[string]any)
	merged = maps.Clone(merged)
	if merged == nil {
		merged = map[string]any{}
	}
	for name, value := range members {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = mergePatch(merged[name], value)
		}
	}
	return merged
}

func emailEntries(a *account.Account) []emailEntry {
	list := []emailEntry{}
	for _, one := range a.Addresses {
		list = append(list, emailEntry{one.Address, !one.VerifiedAt.IsZero(), one.Primary})
	}
	return list
}
