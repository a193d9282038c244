package client

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// localizedMember is the member that stores members with a language tag. It is internal and
// not part of any API.
const localizedMember = "localized"

// localizable returns the members that may have a language tag.
//
// Spec: RFC 7591 §2.2, OpenID Connect Registration §2.1.
func localizable() []string {
	return []string{"client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"}
}

// isLocalized reports whether name is a member with a language tag.
func isLocalized(name string) bool {
	base, _, tagged := strings.Cut(name, "#")
	return tagged && slices.Contains(localizable(), base)
}

// decodeLocalized reads the members with a language tag.
func decodeLocalized(members map[string]json.RawMessage) (localized map[string]string, faults []Fault) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !isLocalized(name) || absent(members[name]) {
			continue
		}
		var text string
		if err := json.Unmarshal(members[name], &text); err != nil {
			base, _, _ := strings.Cut(name, "#")
			faults = append(faults, Fault{InvalidMetadata, base, "must be a string in every language"})
			continue
		}
		if text == "" {
			continue
		}
		if localized == nil {
			localized = make(map[string]string)
		}
		localized[name] = text
	}
	return localized, faults
}

// MarshalWith returns the JSON object of v, a struct that embeds the metadata, together with
// the members that have a language tag.
func (m *Metadata) MarshalWith(v any) ([]byte, error) {
	object, err := json.Marshal(v)
	if err != nil || len(m.Localized) == 0 {
		return object, err
	}
	more, err := json.Marshal(m.Localized)
	if err != nil {
		return nil, err
	}
	if string(object) == "{}" {
		return more, nil
	}
	// The names cannot collide: localized names contain a number sign.
	object[len(object)-1] = ','
	return append(object, more[1:]...), nil
}
