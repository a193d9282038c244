package wire

import (
	"bytes"
	"encoding/json"
)

// Text returns the value of a string member of a JSON object that is known to be
// flat where it matters: answers of token endpoints are. It does not decode the
// rest, which would cost more than receiving it.
func Text(document []byte, member string) string {
	rest := after(document, member)
	if len(rest) == 0 || rest[0] != '"' {
		return ""
	}
	end := bytes.IndexByte(rest[1:], '"')
	if end < 0 {
		return ""
	}
	if value := rest[1 : end+1]; bytes.IndexByte(value, '\\') < 0 {
		return string(value)
	}
	var decoded map[string]any
	if json.Unmarshal(document, &decoded) != nil {
		return ""
	}
	text, _ := decoded[member].(string)
	return text
}

// True reports whether a member of a JSON object is true, as [Text] does.
func True(document []byte, member string) bool {
	return bytes.HasPrefix(after(document, member), []byte("true"))
}

// Has reports whether a JSON object has a member, as [Text] does.
func Has(document []byte, member string) bool { return after(document, member) != nil }

// after returns what follows the first member of a name.
func after(document []byte, member string) []byte {
	for rest := document; ; {
		at := bytes.Index(rest, []byte(member))
		if at < 0 {
			return nil
		}
		end := at + len(member)
		if at > 0 && rest[at-1] == '"' && end < len(rest) && rest[end] == '"' {
			tail := bytes.TrimLeft(rest[end+1:], " \t\r\n")
			if value, found := bytes.CutPrefix(tail, []byte(":")); found {
				return bytes.TrimLeft(value, " \t\r\n")
			}
		}
		rest = rest[end:]
	}
}
