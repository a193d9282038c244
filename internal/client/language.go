package client

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// localizedMember is where members in languages are stored, and no name by which
// anybody else knows them.
const localizedMember = "localized"

// localizable lists the members that may come in languages as well.
//
// Spec: RFC 7591 section 2.2; OpenID Connect Registration section 2.1.
func localizable() []string {
	return []string{"client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"}
}

// isLocalized reports whether name is that of a member in a language.
func isLocalized(name string) bool {
	base, _, tagged := strings.Cut(name, "#")
	return tagged && slices.Contains(localizable(), base)
}

// decodeLocalized takes the members in languages.
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

// MarshalWith returns a JSON object of the members of v, a structure that embeds the
// metadata, and of those in languages.
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
	// Neither can hold a name of the other: these have a number sign in them.
	object[len(object)-1] = ','
	return append(object, more[1:]...), nil
}
