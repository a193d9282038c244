package foreignusers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
)

// auth0User is a line of a user export, or of an export of password hashes. The second kind
// has ObjectID or AlternateID in place of UserID.
type auth0User struct {
	UserID   string `json:"user_id"`
	ObjectID struct {
		OID string `json:"$oid"`
	} `json:"_id"`
	AlternateID string `json:"alt_id"`

	Username      string `json:"username"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	PasswordHash  string `json:"passwordHash"`
	Blocked       bool   `json:"blocked"`

	Identifiers []struct {
		Type, Value string
		Verified    bool
	} `json:"identifiers"`
	UserMetadata map[string]any `json:"user_metadata"`
	AppMetadata  map[string]any `json:"app_metadata"`
	MFA          []any          `json:"multifactor"`
}

// auth0Claims are the members that are claims.
func auth0Claims() []string {
	return []string{"name", "given_name", "family_name", "nickname", "picture", "phone_number", "locale"}
}

// prefix begins the IDs of users of a database connection.
const auth0Prefix = "auth0|"

// id returns the subject of the user.
func (a *auth0User) id() string {
	switch {
	case a.UserID != "":
		return a.UserID
	case a.AlternateID != "":
		return auth0Prefix + a.AlternateID
	case a.ObjectID.OID != "":
		return auth0Prefix + a.ObjectID.OID
	}
	return ""
}

// Auth0 reads exports of Auth0 with one JSON object in each line: users, password hashes, or
// both, in any order. The objects of one user are joined by ID, which stays the subject.
func Auth0(files ...[]byte) ([]*User, error) {
	var order []string
	joined := map[string]*auth0User{}
	claims := map[string]map[string]any{}
	for _, text := range files {
		decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
		for n := 1; ; n++ {
			var raw json.RawMessage
			err := decoder.Decode(&raw)
			if errors.Is(err, io.EOF) {
				break
			}
			var one auth0User
			var members map[string]any
			if err == nil {
				err = errors.Join(json.Unmarshal(raw, &one), json.Unmarshal(raw, &members))
			}
			if err != nil {
				return nil, fmt.Errorf("user %d: not an export of Auth0, with one JSON object in each line: %w", n, err)
			}
			id := one.id()
			if id == "" {
				return nil, fmt.Errorf("user %d has neither user_id nor _id: export the users with their ID", n)
			}
			before, ok := joined[id]
			if !ok {
				before, claims[id] = &auth0User{}, map[string]any{}
				joined[id], order = before, append(order, id)
			}
			if err := json.Unmarshal(raw, before); err != nil {
				return nil, fmt.Errorf("user %d: %w", n, err)
			}
			maps.Copy(claims[id], members)
		}
	}
	users := make([]*User, len(order))
	for i, id := range order {
		users[i] = joined[id].user(id, claims[id])
	}
	resolveConflicts(users)
	return users, nil
}

func (a *auth0User) user(id string, members map[string]any) *User {
	for _, one := range a.Identifiers {
		if one.Type == "email" && a.Email == "" {
			a.Email, a.EmailVerified = one.Value, one.Verified
		}
		if one.Type == "username" && a.Username == "" {
			a.Username = one.Value
		}
	}
	u := &User{ID: id, Username: a.Username, Entry: map[string]any{}}
	if u.Username == "" {
		u.Username = a.Email
	}
	if !strings.HasPrefix(id, auth0Prefix) && a.PasswordHash == "" {
		connection, _, _ := strings.Cut(id, "|")
		u.LeaveOut("signs in with the identity provider %s", connection)
		return u
	}
	u.set("subject", id)
	u.set("username", u.Username)
	u.email(a.Email, a.EmailVerified)
	for _, name := range auth0Claims() {
		if text, ok := members[name].(string); ok {
			u.claim(name, text)
		}
	}
	if a.PasswordHash != "" {
		u.password(a.PasswordHash)
	}
	if a.Blocked {
		u.set("state", string(account.Disabled))
	}
	for _, name := range slices.Sorted(maps.Keys(a.AppMetadata)) {
		u.others = append(u.others, other{"app_metadata", name, a.AppMetadata[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(a.UserMetadata)) {
		if _, both := a.AppMetadata[name]; !both {
			u.others = append(u.others, other{"user_metadata", name, a.UserMetadata[name]})
		}
	}
	if len(a.MFA) > 0 {
		u.note("second factors: the user adds them again")
	}
	return u
}
