package target

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Spec describes a server that runs already. All but the issuer may be left out:
// then clients register themselves, flows with people are left out, and what the
// load costs the server is not measured.
type Spec struct {
	Name   string `json:"name"`
	Issuer string `json:"issuer"`
	// Endpoints stand over those of the discovery document, for instance where a
	// server keeps registration or introspection to administrators.
	Endpoints Endpoints `json:"endpoints"`
	// Clients are those that exist; the rest is registered.
	Clients map[Kind]Client `json:"clients"`
	// Users may sign in, one as well as the other.
	Users []User `json:"users"`
	// LoginApp says that the server has no pages of its own.
	LoginApp *LoginApp `json:"login_app"`
	// ServerPID is the process of the server, or ServerPIDFile a file that names it.
	ServerPID     int    `json:"server_pid"`
	ServerPIDFile string `json:"server_pid_file"`
	// Database is a PostgreSQL URL, under which the load on the database is read.
	Database string `json:"database"`
}

// User is a person.
type User struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// LoginApp is where a server that leaves signing in to an application, as Ory
// Hydra does, hears from that application. The generator plays it.
type LoginApp struct {
	// Admin is the URL under which /oauth2/auth/requests/login/accept lies.
	Admin string `json:"admin"`
}

// ReadSpec reads a file of a [Spec].
func ReadSpec(path string) (*Spec, error) {
	text, err := os.ReadFile(path) //nolint:gosec // whoever runs the generator names it
	if err != nil {
		return nil, fmt.Errorf("read target: %w", err)
	}
	var s Spec
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return nil, fmt.Errorf("read target %s: %w", path, err)
	}
	if s.Issuer == "" {
		return nil, fmt.Errorf("read target %s: issuer is missing", path)
	}
	if s.ServerPIDFile != "" {
		if s.ServerPID, err = readPID(s.ServerPIDFile); err != nil {
			return nil, fmt.Errorf("read target %s: %w", path, err)
		}
	}
	return &s, nil
}

func readPID(path string) (int, error) {
	text, err := os.ReadFile(path) //nolint:gosec // whoever runs the generator names it
	if err != nil {
		return 0, fmt.Errorf("read process id: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read process id: %w", err)
	}
	return pid, nil
}
