package requestobject

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/oauth2/jws"
)

// maxItems bounds the values of a parameter that may have several.
const maxItems = 100

// known are the parameters that an object may hold. The other members are for
// others, or say who made the object and for how long.
func known() []string {
	return []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "state", "scope", "resource", "audience",
		"code_challenge", "code_challenge_method", "nonce", "prompt", "max_age", "claims", "acr_values",
		"login_hint", "id_token_hint", "display", "ui_locales", "claims_locales", "registration",
	}
}

// parameters returns what the object says as it would stand in a form. As there,
// what is empty is absent.
//
// Spec: RFC 9101 §4; OpenID Connect Core §6.1.
func parameters(object *jws.JWS) (url.Values, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object.Raw, &members); err != nil {
		return nil, invalid(jws.ErrMalformed.Error())
	}
	inside := url.Values{}
	for _, name := range known() {
		value, ok := object.Payload[name]
		if !ok {
			continue
		}
		texts, ok := written(name, value, members[name])
		if !ok {
			return nil, invalid("has a " + name + " of a kind that it cannot be")
		}
		if len(texts) > 0 {
			inside[name] = texts
		}
	}
	return inside, nil
}

// written returns a member as the values of a parameter; raw is how it stands in
// the object.
func written(name string, value any, raw json.RawMessage) ([]string, bool) {
	switch value := value.(type) {
	case string:
		return plain(value)
	case float64:
		// As it stands: a number that is not whole, or not in plain digits, is none
		// that any parameter could mean.
		text := string(raw)
		return []string{text}, strings.Trim(text, "0123456789") == ""
	case []any:
		if name != "resource" && name != "audience" || len(value) > maxItems {
			return nil, false
		}
		var all []string
		for _, item := range value {
			text, ok := item.(string)
			one, fit := plain(text)
			if !ok || !fit {
				return nil, false
			}
			all = append(all, one...)
		}
		return all, true
	case map[string]any:
		var text bytes.Buffer
		if !slices.Contains([]string{"claims", "registration"}, name) || json.Compact(&text, raw) != nil {
			return nil, false
		}
		return plain(text.String())
	default:
		return nil, false
	}
}

// plain returns a text unless it is empty. PostgreSQL stores no NUL.
func plain(text string) ([]string, bool) {
	if text == "" {
		return nil, true
	}
	return []string{text}, !strings.Contains(text, "\x00")
}
