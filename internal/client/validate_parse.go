package client

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/theme"
)

// ParseMetadata parses and validates a client's metadata from the members of a JSON object.
// Null and unknown members count as missing.
//
// Spec: RFC 7591 §2.
func ParseMetadata(members map[string]json.RawMessage, p Policy) (Metadata, []Fault) {
	members = withProfile(members)
	m, unread := decode(members)
	unread = append(unread, unsupported(members)...)
	faults := unread
	// A member with a parse error is already reported, and not missing.
	for _, fault := range m.Validate(p) {
		if !slices.ContainsFunc(unread, func(f Fault) bool { return f.Member == fault.Member }) {
			faults = append(faults, fault)
		}
	}
	return m, faults
}

// decode reads members by their exact names: encoding/json alone would also accept
// Redirect_URIs, and let it override redirect_uris.
func decode(members map[string]json.RawMessage) (Metadata, []Fault) {
	var m Metadata
	var faults []Fault
	m.Localized, faults = decodeLocalized(members)
	for _, member := range metadataFields() {
		name := memberName(member)
		raw, ok := members[name]
		if !ok || name == localizedMember || absent(raw) {
			continue
		}
		field := reflect.ValueOf(&m).Elem().FieldByIndex(member.Index)
		if err := json.Unmarshal(raw, field.Addr().Interface()); err != nil {
			code := InvalidMetadata
			if name == "redirect_uris" {
				code = InvalidRedirectURI
			}
			faults = append(faults, Fault{code, name, "must be " + kindOf(field)})
			field.SetZero()
		}
	}
	return m, faults
}

func absent(raw json.RawMessage) bool { return bytes.Equal(raw, []byte("null")) }

// metadataFields returns the fields of Metadata that have a JSON member, in order.
func metadataFields() []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(reflect.TypeFor[Metadata]()),
		func(f reflect.StructField) bool { return f.Anonymous })
}

// memberName returns the JSON name of a field.
func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// metadataMembers returns the JSON names of the fields of Metadata, in order.
func metadataMembers() []string {
	fields := metadataFields()
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = memberName(field)
	}
	return names
}

func kindOf(field reflect.Value) string {
	switch field.Interface().(type) {
	case []string:
		return "a list of strings"
	case bool:
		return "true or false"
	case *int64:
		return "a whole number"
	case *theme.Theme:
		return "an object with the members of a theme"
	case *TokenExchange:
		return policyWords
	case Lifespan:
		return "a duration such as 1h30m, or null"
	default:
		return "a string"
	}
}
