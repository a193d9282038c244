package requestobject

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/jws"
)

// maxItems is the maximum number of values of one parameter.
const maxItems = 100

// Parameters returns the authorization request parameters. Other members are ignored, or are claims
// about the object itself.
func Parameters() []string {
	return []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "state", "scope", "resource", "audience",
		"code_challenge", "code_challenge_method", "dpop_jkt", "nonce", "prompt", "max_age", "claims", "acr_values",
		"login_hint", "id_token_hint", "display", "ui_locales", "claims_locales", "registration", detail.Parameter,
	}
}

// parameters returns the parameters in the object as form values. Empty values count as
// missing.
//
// Spec: RFC 9101 §4, OpenID Connect Core §6.1.
func parameters(object *jws.JWS) (url.Values, error) { return parametersOf(object, Parameters()) }

// parametersOf is parameters for the given names.
func parametersOf(object *jws.JWS, parameters []string) (url.Values, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object.Raw, &members); err != nil {
		return nil, invalid(jws.ErrMalformed.Error())
	}
	inside := url.Values{}
	for _, name := range parameters {
		value, ok := object.Payload[name]
		if !ok {
			continue
		}
		texts, ok := written(name, value, members[name])
		if !ok {
			return nil, invalid("has a " + name + " with an invalid type")
		}
		if len(texts) > 0 {
			inside[name] = texts
		}
	}
	return inside, nil
}

// written returns a member as form values; raw is its JSON.
func written(name string, value any, raw json.RawMessage) ([]string, bool) {
	switch value := value.(type) {
	case string:
		return plain(value)
	case float64:
		// Keep the text: a number that is not an integer in plain digits is invalid for every
		// parameter.
		text := string(raw)
		return []string{text}, strings.Trim(text, "0123456789") == ""
	case []any:
		if name == detail.Parameter { // its reader checks it
			return compacted(raw)
		}
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
		if !slices.Contains([]string{"claims", "registration"}, name) {
			return nil, false
		}
		return compacted(raw)
	default:
		return nil, false
	}
}

// compacted returns the JSON of a member.
func compacted(raw json.RawMessage) ([]string, bool) {
	var text bytes.Buffer
	if json.Compact(&text, raw) != nil {
		return nil, false
	}
	return plain(text.String())
}

// plain returns a text unless it is empty. PostgreSQL cannot store NUL.
func plain(text string) ([]string, bool) {
	if text == "" {
		return nil, true
	}
	return []string{text}, !strings.Contains(text, "\x00")
}
