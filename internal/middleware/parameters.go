package middleware

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxParameters is the maximum number of parameters of a request.
const maxParameters = 200

// parseForm parses application/x-www-form-urlencoded strictly: unlike [url.ParseQuery] it
// rejects repeated names, invalid UTF-8 and malformed encodings.
func parseForm(raw string, repeatable []string) (url.Values, error) {
	if strings.Contains(raw, ";") {
		return nil, invalid("A semicolon must be percent-encoded.")
	}
	if strings.Count(raw, "&") >= maxParameters {
		return nil, invalid("There are too many parameters.")
	}
	values := url.Values{}
	empty := map[string]bool{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, err := parsePair(pair)
		if err != nil {
			return nil, err
		}
		if name == "" {
			continue
		}
		_, seen := values[name]
		if (seen || empty[name]) && !slices.Contains(repeatable, name) {
			return nil, repeated(name)
		}
		if value == "" {
			empty[name] = true
			continue
		}
		values[name] = append(values[name], value)
	}
	return values, nil
}

func parsePair(pair string) (name, value string, err error) {
	name, value, _ = strings.Cut(pair, "=")
	if name, err = unescape(name); err != nil {
		return "", "", err
	}
	if value, err = unescape(value); err != nil {
		return "", "", err
	}
	return name, value, nil
}

func unescape(escaped string) (string, error) {
	text, err := url.QueryUnescape(escaped)
	if err != nil {
		return "", invalid("A percent-encoding is malformed.")
	}
	if !clean(text) {
		return "", invalid("A parameter has a NUL or is not UTF-8.")
	}
	return text, nil
}

// clean reports whether text can be stored: PostgreSQL accepts neither NUL nor invalid
// UTF-8.
func clean(text string) bool {
	return utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// merge joins the parameters of query and body, which count as one list.
func merge(query, body url.Values, repeatable []string) (url.Values, error) {
	all := make(url.Values, len(query)+len(body))
	for _, part := range []url.Values{query, body} {
		for name, values := range part {
			if _, seen := all[name]; seen && !slices.Contains(repeatable, name) {
				return nil, repeated(name)
			}
			all[name] = append(all[name], values...)
		}
	}
	if len(all) > maxParameters {
		return nil, invalid("There are too many parameters.")
	}
	return all, nil
}

// repeated reports a repeated parameter. The error has the name only if it is a protocol
// parameter; other names are text of the client.
func repeated(name string) error {
	if isProtocol(name) {
		return invalid("The parameter " + name + " is repeated.")
	}
	return invalid("A parameter is repeated.")
}

// protocolParameter returns a protocol parameter of the query, or an empty string.
func protocolParameter(query url.Values) string {
	for name := range query {
		if isProtocol(name) {
			return name
		}
	}
	return ""
}

// isProtocol reports whether a name is a parameter of OAuth or OpenID Connect with a
// meaning at API endpoints.
//
// Spec: RFC 6749, 7009, 7521, 7636, 7662, 8628, 8693, 8707, 9126, 9396.
func isProtocol(name string) bool {
	switch name {
	case "access_token", "acr_values", "actor_token", "actor_token_type", "assertion", "audience",
		"auth_req_id", "authorization_details", "binding_message", "claims", "client_assertion",
		"client_assertion_type", "client_id", "client_secret", "code", "code_challenge",
		"code_challenge_method", "code_verifier", "device_code", "dpop_jkt", "grant_type",
		"id_token_hint", "login_hint", "login_hint_token", "logout_token", "nonce", "password",
		"redirect_uri", "refresh_token", "request", "request_uri", "requested_token_type",
		"resource", "response_mode", "response_type", "scope", "state", "subject_token",
		"subject_token_type", "token", "token_type_hint", "user_code", "username":
		return true
	default:
		return false
	}
}
