package wire

import (
	"bytes"
	"encoding/json"
)

// Text returns the first string member of that name in a JSON document, and "" if
// there is none. It does not decode the document, to save processor time.
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

// True reports whether the first member of that name is true.
func True(document []byte, member string) bool {
	return bytes.HasPrefix(after(document, member), []byte("true"))
}

// Has reports whether a JSON document has a member of that name.
func Has(document []byte, member string) bool { return after(document, member) != nil }

// after returns the document from the value of the first member of a name.
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
