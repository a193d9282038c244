package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/internal/credential"
)

// userCount is the number of users: enough that callers rarely contend for a row.
const userCount = 200

// populate imports clients and users.
func (s *instance) populate(ctx context.Context, idTokenAlg string) error {
	if err := s.importClients(ctx, idTokenAlg); err != nil {
		return err
	}
	return s.importUsers(ctx)
}

func (s *instance) importClients(ctx context.Context, idTokenAlg string) error {
	s.spec.Clients = map[target.Kind]target.Client{}
	var entries, later []map[string]any
	for _, kind := range target.Kinds() {
		client, err := kind.NewClient()
		if err != nil {
			return err
		}
		client.ID = "load-" + string(kind)
		entry := kind.Metadata(client, s.spec.Issuer, idTokenAlg)
		client.Scope, _ = entry["scope"].(string)
		entry["client_id"] = client.ID
		if client.Key == nil {
			client.Secret = randomText()
			entry["client_secret"] = client.Secret
		}
		s.spec.Clients[kind] = *client
		if kind == target.Exchanger {
			later = append(later, entry)
			continue
		}
		entries = append(entries, entry)
	}
	if err := s.importFile(ctx, "clients", entries); err != nil {
		return err
	}
	if s.importFile(ctx, "clients", later) != nil {
		delete(s.spec.Clients, target.Exchanger) // an earlier version has no token exchange
	}
	return nil
}

// hash hashes a password at the cost of the server.
func (s *instance) hash(ctx context.Context, password string) (string, error) {
	memory, err := strconv.ParseUint(s.settings["ARGON2_MEMORY_MIB"], 10, 22)
	if err != nil {
		return "", fmt.Errorf("read ARGON2_MEMORY_MIB: %w", err)
	}
	passes, err := strconv.ParseUint(s.settings["ARGON2_ITERATIONS"], 10, 32)
	if err != nil {
		return "", fmt.Errorf("read ARGON2_ITERATIONS: %w", err)
	}
	hash, err := credential.NewHasher(uint32(memory)<<10, uint32(passes), 1, time.Minute).Hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// importUsers imports users who share one password, which is hashed once.
func (s *instance) importUsers(ctx context.Context) error {
	password := randomText()
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	entries := make([]map[string]any, userCount)
	for i := range entries {
		name := fmt.Sprintf("person-%d", i)
		entries[i] = map[string]any{"username": name, "password_hash": hash, "claims": map[string]any{"name": "Person " + strconv.Itoa(i)}}
		s.spec.Users = append(s.spec.Users, target.User{Username: name, Password: password})
	}
	return s.importFile(ctx, "users", entries)
}

// importFile runs the import command of a resource: clients or users.
func (s *instance) importFile(ctx context.Context, resource string, entries any) error {
	text, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("write %s: %w", resource, err)
	}
	path := filepath.Join(s.dir, resource+".json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", resource, err)
	}
	return s.command(ctx, resource, "import", path)
}

// randomText returns at least 256 random bits.
func randomText() string { return rand.Text() + rand.Text() }
