package client

import (
	"bytes"
	"encoding/json"
	"slices"
)

// unsupported rejects known members that the server does not implement: a client that requires
// protection must not assume that it has it. Values that require nothing count as missing, and
// unknown members are ignored.
//
// Spec: RFC 7591 §2, §3.2.1.
func unsupported(members map[string]json.RawMessage) []Fault {
	var faults []Fault
	for _, member := range []string{
		"backchannel_user_code_parameter",
		"request_object_encryption_alg", "request_object_encryption_enc",
	} {
		raw := bytes.TrimSpace(members[member])
		if len(raw) > 0 && !slices.Contains([]string{"null", "false", `""`}, string(raw)) {
			faults = append(faults, Fault{InvalidMetadata, member, "has a value that this server does not support"})
		}
	}
	return faults
}
