package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ImportEntry is a client of an import file.
type ImportEntry struct {
	ClientID     string // empty to have one made
	ClientSecret string // empty to have one made, if the client needs one
	Metadata     Metadata
	Warnings     []string // about members that have no effect
}

// ParseImport parses a JSON array of client metadata (RFC 7591), an object with such an array
// in the member clients, or a single object, and validates them by p. Its error joins all
// faults, each with the entry and the member.
func ParseImport(raw []byte, p Policy) ([]ImportEntry, error) {
	list, err := importList(raw)
	if err != nil {
		return nil, err
	}
	entries := make([]ImportEntry, len(list))
	first := make(map[string]int, len(list))
	var faults []error
	for i, raw := range list {
		entry, bad := parseEntry(raw, p)
		entries[i] = entry
		if id := entry.ClientID; id != "" {
			if earlier, ok := first[id]; ok {
				bad = append(bad, fmt.Errorf("client_id is already used in entry %d", earlier+1))
			} else {
				first[id] = i
			}
		}
		for _, err := range bad {
			faults = append(faults, fmt.Errorf("entry %d%s: %w", i+1, quoted(entry.ClientID), err))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return entries, nil
}

func importList(raw []byte) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err == nil && list != nil {
		return list, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("read clients: %w", err)
	}
	for _, member := range []string{"client_id", "redirect_uris", "grant_types"} {
		if _, one := object[member]; one {
			return []json.RawMessage{raw}, nil
		}
	}
	if err := json.Unmarshal(object["clients"], &list); err != nil || list == nil {
		return nil, errors.New("read clients: expected an array of clients, a single client, or an object with a member clients")
	}
	return list, nil
}

func parseEntry(raw json.RawMessage, p Policy) (ImportEntry, []error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return ImportEntry{}, []error{errors.New("must be a JSON object")}
	}
	var bad []error
	text := func(name string) string {
		var s string
		if err := json.Unmarshal(members[name], &s); err != nil && len(members[name]) > 0 {
			bad = append(bad, fmt.Errorf("%s must be a string", name))
		}
		return s
	}
	entry := ImportEntry{ClientID: text("client_id"), ClientSecret: text("client_secret")}
	if err := CheckID(entry.ClientID); entry.ClientID != "" && err != nil {
		bad = append(bad, err)
	}
	p.SelfRegistered = false
	metadata, faults := ParseMetadata(members, p)
	for _, fault := range faults {
		bad = append(bad, errors.New(fault.String()))
	}
	entry.Metadata = metadata
	if err := metadata.CheckSecret(entry.ClientSecret); entry.ClientSecret != "" && err != nil {
		bad = append(bad, err)
	}
	entry.Warnings = append(unknown(members), KeyWarnings(members["jwks"])...)
	if entry.ClientSecret != "" && !metadata.UsesSecret() {
		entry.ClientSecret = ""
		entry.Warnings = append(entry.Warnings, "client_secret is not used by "+metadata.TokenEndpointAuthMethod)
	}
	return entry, bad
}

// UsesSecret reports whether the client authenticates with a client secret.
func (m *Metadata) UsesSecret() bool {
	return slices.Contains([]string{AuthBasic, AuthPost, AuthSecretJWT}, m.TokenEndpointAuthMethod)
}

// unknown returns the members that are not stored, except the ones that servers add to a
// client in responses.
func unknown(members map[string]json.RawMessage) []string {
	known := append(metadataMembers(),
		"client_id", "client_secret", "client_secret_expires_at", "client_id_issued_at", "created_at",
		"updated_at", "registration_access_token", "registration_client_uri")
	if _, ok := readForeignProfile(members[foreignProfile]); ok {
		known = append(known, foreignProfile)
	}
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name == localizedMember || !slices.Contains(known, name) && !isLocalized(name) {
			warnings = append(warnings, name+" is not understood and was ignored")
		}
	}
	return warnings
}

// CheckID returns an error if id cannot be the client_id of a registered client: it is visible
// ASCII (RFC 6749 appendix A.1), which is safe in paths, logs and headers, and not built in.
func CheckID(id string) error {
	if id == "" || len(id) > 255 || strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return errors.New("client_id must be 1 to 255 visible ASCII characters")
	}
	if IsBuiltIn(id) {
		return errors.New("client_id is that of a built-in client")
	}
	return nil
}

// CheckSecret returns an error if secret is not a valid client_secret: printable ASCII (RFC
// 6749 appendix A.2) with a length that [HashSecret] accepts.
func CheckSecret(secret string) error {
	if len(secret) < minSecret || len(secret) > MaxSecret ||
		strings.IndexFunc(secret, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		return fmt.Errorf("client_secret must be %d to %d printable ASCII characters", minSecret, MaxSecret)
	}
	return nil
}

func quoted(id string) string {
	if id == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", id)
}
