package client

import (
	"bytes"
	"encoding/json"
	"slices"
)

// unsupported refuses what is understood and cannot be done: a client that asked for
// protection must not believe that it has it. What asks for nothing is as good as
// absent, and members that nobody here has heard of are ignored.
//
// Spec: RFC 7591 sections 2 and 3.2.1; RFC 8705 section 3.4; RFC 9126 section 6; RFC
// 9449 section 5.2; RFC 9701 section 6; JARM section 3.
func unsupported(members map[string]json.RawMessage) []Fault {
	var faults []Fault
	for _, member := range []string{
		"authorization_encrypted_response_alg", "authorization_encrypted_response_enc", "authorization_signed_response_alg",
		"dpop_bound_access_tokens",
		"introspection_encrypted_response_alg", "introspection_encrypted_response_enc", "introspection_signed_response_alg",
		"request_object_encryption_alg", "request_object_encryption_enc",
		"require_pushed_authorization_requests", "tls_client_certificate_bound_access_tokens",
	} {
		raw := bytes.TrimSpace(members[member])
		if len(raw) > 0 && !slices.Contains([]string{"null", "false", `""`}, string(raw)) {
			faults = append(faults, Fault{InvalidMetadata, member, "asks for what this server does not do"})
		}
	}
	return faults
}
