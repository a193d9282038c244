package foreignusers

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
)

// dexUser is an entry of staticPasswords.
type dexUser struct {
	Email             string   `yaml:"email"`
	Hash              string   `yaml:"hash"`
	HashFromEnv       string   `yaml:"hashFromEnv"`
	Username          string   `yaml:"username"`
	UserID            string   `yaml:"userID"`
	Name              string   `yaml:"name"`
	PreferredUsername string   `yaml:"preferredUsername"`
	EmailVerified     *bool    `yaml:"emailVerified"`
	Groups            []string `yaml:"groups"`
}

// Dex reads the static passwords in configuration files of Dex. The subject is the one that
// Dex issues, of the ID and the connector "local". The address is
// verified unless emailVerified is false.
func Dex(files ...[]byte) ([]*User, error) {
	var users []*User
	for _, text := range files {
		var configuration struct {
			StaticPasswords []dexUser `yaml:"staticPasswords"`
		}
		if err := yaml.Unmarshal(text, &configuration); err != nil {
			return nil, fmt.Errorf("not a configuration of Dex: %w", err)
		}
		for _, one := range configuration.StaticPasswords {
			users = append(users, one.user())
		}
	}
	if len(users) == 0 {
		return nil, errors.New("the configuration has no staticPasswords")
	}
	resolveConflicts(users)
	return users, nil
}

func (d *dexUser) user() *User {
	u := &User{ID: d.UserID, Username: d.Username, Entry: map[string]any{}}
	if d.PreferredUsername != "" {
		u.Username = d.PreferredUsername
	}
	if u.Username == "" {
		u.Username = d.Email
	}
	if d.UserID == "" {
		u.ID = d.Email
		u.note("subject: the entry has no userID")
	} else {
		u.set("subject", dexSubject(d.UserID))
	}
	u.set("username", u.Username)
	u.email(d.Email, d.EmailVerified == nil || *d.EmailVerified)
	if u.claim("name", d.Name); d.Name == "" {
		u.claim("name", d.Username)
	}
	u.names("group", d.Groups)
	switch {
	case d.Hash != "":
		u.password(d.Hash)
	case d.HashFromEnv != "":
		u.note("password: its hash is in the environment variable %s; write it into the file as hash", d.HashFromEnv)
	}
	return u
}

// dexSubject returns the subject that Dex issues for a user of its password database: the
// protocol buffer of user ID and connector ID in base64url.
func dexSubject(userID string) string {
	var message []byte
	for i, field := range []string{userID, "local"} {
		message = append(message, byte(i+1)<<3|2)
		message = binary.AppendUvarint(message, uint64(len(field)))
		message = append(message, field...)
	}
	return base64.RawURLEncoding.EncodeToString(message)
}
