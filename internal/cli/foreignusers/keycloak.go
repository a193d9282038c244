package foreignusers

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
)

// keycloakRealm is a realm export, or a file of users of an export to a directory.
type keycloakRealm struct {
	Realm string         `json:"realm"`
	Users []keycloakUser `json:"users"`
}

type keycloakUser struct {
	ID              string                              `json:"id"`
	Username        string                              `json:"username"`
	Email           string                              `json:"email"`
	EmailVerified   bool                                `json:"emailVerified"`
	FirstName       string                              `json:"firstName"`
	LastName        string                              `json:"lastName"`
	Enabled         *bool                               `json:"enabled"`
	Attributes      map[string]texts                    `json:"attributes"`
	Credentials     []keycloakCredential                `json:"credentials"`
	RequiredActions []string                            `json:"requiredActions"`
	RealmRoles      []string                            `json:"realmRoles"`
	ClientRoles     map[string][]string                 `json:"clientRoles"`
	OldClientRoles  map[string][]string                 `json:"applicationRoles"` // before version 1.2
	Groups          []string                            `json:"groups"`
	Federation      string                              `json:"federationLink"`
	Identities      []struct{ IdentityProvider string } `json:"federatedIdentities"`
	ServiceAccount  string                              `json:"serviceAccountClientId"`
}

// keycloakCredential is a credential; its two documents are text. Files that are written by hand
// have a password as Value. Versions before 8 have the members after it.
type keycloakCredential struct {
	Type      string `json:"type"`
	Secret    string `json:"secretData"`
	Data      string `json:"credentialData"`
	Value     string `json:"value"`
	Temporary bool   `json:"temporary"`

	Hash       string `json:"hashedSaltedValue"`
	Salt       string `json:"salt"`
	Iterations int    `json:"hashIterations"`
	Algorithm  string `json:"algorithm"`
}

// texts is a list of strings, or one string.
type texts []string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *texts) UnmarshalJSON(raw []byte) error {
	var one *string
	if json.Unmarshal(raw, &one) == nil {
		if one != nil {
			*t = texts{*one}
		}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// Keycloak reads realm exports of Keycloak: the file of a realm, or the files of its users. They
// have the password hashes if `kc.sh export` wrote them. The subject stays, and a group
// /staff/sales is named staff/sales.
func Keycloak(files ...[]byte) ([]*User, error) {
	var users []*User
	for _, text := range files {
		var realms []keycloakRealm
		if text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))); !bytes.HasPrefix(text, []byte("[")) {
			text = slices.Concat([]byte("["), text, []byte("]"))
		}
		if err := json.Unmarshal(text, &realms); err != nil {
			return nil, fmt.Errorf("not a realm export of Keycloak: %w", err)
		}
		for _, realm := range realms {
			for _, one := range realm.Users {
				users = append(users, one.user(realm.Realm))
			}
		}
	}
	if len(users) == 0 {
		return nil, errors.New("the realm export has no users: export them with kc.sh export --users realm_file")
	}
	resolveConflicts(users)
	return users, nil
}

func (k *keycloakUser) user(realm string) *User {
	u := &User{ID: k.ID, Username: k.Username, Entry: map[string]any{}}
	if k.ServiceAccount != "" {
		u.LeaveOut("the service account of the client %s", k.ServiceAccount)
		return u
	}
	u.set("subject", k.ID)
	u.set("username", k.Username)
	u.email(k.Email, k.EmailVerified)
	u.claim("given_name", k.FirstName)
	u.claim("family_name", k.LastName)
	u.claim("name", strings.TrimSpace(k.FirstName+" "+k.LastName))
	attributes := map[string][]string{}
	for name, values := range k.Attributes {
		attributes[name] = values
	}
	// The attributes that Keycloak's own mappers release as claims of another name.
	u.attributes(attributes, map[string]string{
		"phoneNumber": "phone_number", "phoneNumberVerified": "phone_number_verified", "middleName": "middle_name",
	})
	var groups []string
	for _, path := range k.Groups {
		groups = append(groups, strings.TrimPrefix(path, "/"))
	}
	u.names("group", groups)
	u.names("role", k.roles(realm))
	k.addCredentials(u)
	k.setState(u)
	for _, one := range k.Identities {
		u.note("linked account of the identity provider %s", one.IdentityProvider)
	}
	return u
}

// setState sets the state of the entry, which is one: disabled, otherwise that of a required
// action, a new password first.
func (k *keycloakUser) setState(u *User) {
	actions := k.RequiredActions
	if slices.ContainsFunc(k.Credentials, func(c keycloakCredential) bool { return c.Temporary }) && !slices.Contains(actions, "UPDATE_PASSWORD") {
		actions = append(slices.Clone(actions), "UPDATE_PASSWORD")
	}
	states := map[string]account.State{
		"UPDATE_PASSWORD": account.MustChangePassword, "CONFIGURE_TOTP": account.MustEnrol,
		"webauthn-register": account.MustEnrol, "webauthn-register-passwordless": account.MustEnrol,
	}
	state := account.Active
	if k.Enabled != nil && !*k.Enabled {
		state = account.Disabled
	} else {
		for _, action := range actions {
			if s := states[action]; s == account.MustChangePassword || s != "" && state == account.Active {
				state = s
			}
		}
	}
	if state != account.Active {
		u.set("state", string(state))
	}
	for _, action := range actions {
		if states[action] == "" || states[action] != state {
			u.note("required action %s", action)
		}
	}
}

// roles returns the roles of the realm, and those of clients as CLIENT/ROLE. Roles that every
// user of Keycloak has are left out.
func (k *keycloakUser) roles(realm string) []string {
	var roles []string
	for _, role := range k.RealmRoles {
		if role != "default-roles-"+strings.ToLower(realm) && role != "offline_access" && role != "uma_authorization" {
			roles = append(roles, role)
		}
	}
	of := k.ClientRoles
	if of == nil {
		of = k.OldClientRoles
	}
	for _, client := range slices.Sorted(maps.Keys(of)) {
		if client == "account" || client == "realm-management" {
			continue // rights in Keycloak itself
		}
		for _, role := range of[client] {
			roles = append(roles, client+"/"+role)
		}
	}
	return roles
}

// addCredentials adds the password, and notes the other credentials.
func (k *keycloakUser) addCredentials(u *User) {
	found := false
	for _, c := range k.Credentials {
		switch c.Type {
		case "password":
			found = true
			if c.Value != "" && c.Hash == "" && c.Secret == "" {
				u.passwordText(c.Value)
				continue
			}
			hash, err := c.hash()
			if err != nil {
				u.note("password: %v", err)
				continue
			}
			u.password(hash)
		case "otp", "totp":
			u.note("authenticator app: the user adds one again")
		case "webauthn", "webauthn-passwordless":
			u.note("passkey or security key: it is bound to Keycloak's relying party; the user adds one again")
		default:
			u.note("credential of the kind %q", c.Type)
		}
	}
	if !found && k.Federation != "" {
		u.note("password: it is in a user federation (LDAP or Kerberos)")
	}
}

// hash returns the hash of a password in the form of the import.
func (c *keycloakCredential) hash() (string, error) {
	var secret struct {
		Value, Salt string
	}
	var data struct {
		HashIterations       int
		Algorithm            string
		AdditionalParameters map[string][]string
	}
	switch {
	case c.Hash != "":
		secret.Value, secret.Salt, data.HashIterations, data.Algorithm = c.Hash, c.Salt, c.Iterations, cmp.Or(c.Algorithm, "pbkdf2")
	case json.Unmarshal([]byte(c.Secret), &secret) != nil:
		return "", errors.New("secretData is not JSON")
	case json.Unmarshal([]byte(c.Data), &data) != nil:
		return "", errors.New("credentialData is not JSON")
	}
	key, err := base64.StdEncoding.DecodeString(secret.Value)
	if err != nil {
		return "", errors.New("its hash is not base64")
	}
	salt, err := base64.StdEncoding.DecodeString(secret.Salt)
	if err != nil {
		return "", errors.New("its salt is not base64")
	}
	b64 := base64.RawStdEncoding.EncodeToString
	switch data.Algorithm {
	case "pbkdf2-sha256", "pbkdf2-sha512":
		return fmt.Sprintf("$%s$i=%d,l=%d$%s$%s", data.Algorithm, data.HashIterations, len(key), b64(salt), b64(key)), nil
	case "argon2":
		parameter := func(name string) string { return strings.Join(data.AdditionalParameters[name], "") }
		if parameter("version") != "1.3" {
			return "", fmt.Errorf("version %q of argon2 is not supported", parameter("version"))
		}
		return fmt.Sprintf("$argon2%s$v=19$m=%s,t=%d,p=%s$%s$%s", parameter("type"), parameter("memory"), data.HashIterations,
			parameter("parallelism"), b64(salt), b64(key)), nil
	}
	return "", fmt.Errorf("the algorithm %q is not supported", data.Algorithm)
}
