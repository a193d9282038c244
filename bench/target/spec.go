package target

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Spec describes a running server. Only the issuer is required. Without clients
// they are registered; without users the flows that sign in are skipped; without
// process id and database the costs of the load are not measured.
type Spec struct {
	Name   string `json:"name"`
	Issuer string `json:"issuer"`
	// Endpoints override those of the discovery document, for instance if the server
	// has registration and introspection in an admin API.
	Endpoints Endpoints `json:"endpoints"`
	// Clients are registered clients; kinds that are absent are registered.
	Clients map[Kind]Client `json:"clients"`
	// Users sign in, in turn.
	Users []User `json:"users"`
	// LoginApp is set if the server delegates sign-in to a custom app.
	LoginApp *LoginApp `json:"login_app"`
	// ServerPID is the process id of the server, or ServerPIDFile a file with it.
	ServerPID     int    `json:"server_pid"`
	ServerPIDFile string `json:"server_pid_file"`
	// Database is the URL of the server's PostgreSQL, to read its counters.
	Database string `json:"database"`
}

// User has the credentials of a user.
type User struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// LoginApp describes a server that delegates sign-in to a custom app, as Ory Hydra
// does. The load generator acts as the app.
type LoginApp struct {
	// Admin is the base URL of /oauth2/auth/requests/login/accept.
	Admin string `json:"admin"`
}

// ReadSpec reads a file of a [Spec].
func ReadSpec(path string) (*Spec, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is from the command line
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
	text, err := os.ReadFile(path) //nolint:gosec // the path is from the command line
	if err != nil {
		return 0, fmt.Errorf("read process id: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read process id: %w", err)
	}
	return pid, nil
}
