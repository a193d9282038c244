package middleware

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// JSONRule configures [JSONBody].
type JSONRule struct {
	Methods  []string
	MaxBytes int64  // of the body; 0 is 64 KiB
	Optional bool   // whether the body may be absent
	Patch    string // a media type that is allowed beside application/json; empty for none
	// Query lists the allowed query parameters; others are removed.
	Query  []string
	Refuse Refuser // nil writes JSON
}

// JSONBody checks the body of a POST, PUT or PATCH and leaves the checked bytes in the
// request: one JSON value, valid UTF-8 without NUL, without duplicate members, at most 32
// levels deep. All JSON parsers read such a body in the same manner. It removes query
// parameters that the rule does not name.
//
// Spec: RFC 7591 §3.1, RFC 8259 §4, §8.1, RFC 7493 §2.3.
func JSONBody(rule JSONRule) func(http.Handler) http.Handler {
	if rule.MaxBytes == 0 {
		rule.MaxBytes = defaultBody
	}
	rule.Methods = withHead(rule.Methods)
	return guard(rule.Methods, rule.Refuse, rule.check)
}

func (rule *JSONRule) check(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if !slices.Contains(rule.Methods, r.Method) {
		return nil, refused(http.StatusMethodNotAllowed, "The method is not allowed here.")
	}
	if err := checkHeaders(r); err != nil {
		return nil, err
	}
	query, err := parseForm(r.URL.RawQuery, nil)
	if err != nil {
		return nil, err
	}
	kept := url.Values{}
	for _, name := range rule.Query {
		if query.Has(name) {
			kept[name] = query[name]
			query.Del(name)
		}
	}
	if name := protocolParameter(query); name != "" {
		return nil, invalid("The parameter " + name + " must not be in the query.")
	}
	var raw []byte
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		if rule.Optional && r.ContentLength == 0 {
			break
		}
		if err := rule.checkType(r); err != nil {
			return nil, err
		}
		if raw, err = readBody(w, r, rule.MaxBytes); err != nil {
			return nil, err
		}
		if err := checkCharset(r, raw); err != nil {
			return nil, err
		}
		if err := checkJSON(raw); err != nil {
			return nil, err
		}
	}
	out, address := *r, *r.URL
	address.RawQuery = kept.Encode()
	out.URL = &address
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	return &out, nil
}

func (rule *JSONRule) checkType(r *http.Request) error {
	if rule.Patch != "" && checkType(r, rule.Patch) == nil {
		return nil
	}
	return checkType(r, "application/json")
}
