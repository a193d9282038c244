package clientauth

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
)

// assertionType is the only client_assertion_type (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxID is the maximum length of a client_id.
const maxID = 512

// credentials are the client credentials of a request.
type credentials struct {
	method    string
	id        string // with an assertion the client_id of the form, which may be empty
	secret    string
	assertion string
}

// read returns the credentials of the single method that the request uses.
func read(r *http.Request) (credentials, error) {
	cred := credentials{
		method:    client.AuthNone,
		id:        r.PostForm.Get("client_id"),
		secret:    r.PostForm.Get("client_secret"),
		assertion: r.PostForm.Get("client_assertion"),
	}
	kind := r.PostForm.Get("client_assertion_type")
	headers, used := r.Header["Authorization"]

	if len(headers) > 1 || count(used, cred.secret != "", cred.assertion != "" || kind != "") > 1 {
		return credentials{}, malformed("the request authenticates in more than one way", refusal.AuthAmbiguous)
	}
	switch {
	case used:
		return fromHeader(headers[0], cred.id)
	case cred.assertion != "" || kind != "":
		return fromAssertion(cred, kind)
	case cred.secret != "":
		cred.method = client.AuthPost
	}
	if cred.id == "" {
		return credentials{}, unacceptable("client_id or client credentials are missing", refusal.ClientMissing)
	}
	if !validID(cred.id) {
		return credentials{}, failed("invalid client_id", refusal.ClientUnknown)
	}
	return cred, nil
}

// fromHeader reads the Authorization header; formID is the client_id in the form.
func fromHeader(header, formID string) (credentials, error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return credentials{}, unacceptable("the Authorization header must use the scheme Basic", refusal.AuthMalformed)
	}
	id, secret, ok := decodeBasic(strings.TrimLeft(encoded, " "))
	if !ok || !validID(id) {
		return credentials{}, unacceptable("the Authorization header is malformed", refusal.AuthMalformed)
	}
	if formID != "" && formID != id {
		return credentials{}, malformed("client_id is not the client of the Authorization header", refusal.AuthMalformed)
	}
	return credentials{method: client.AuthBasic, id: id, secret: secret}, nil
}

// fromAssertion checks the parameters of a client assertion.
func fromAssertion(cred credentials, kind string) (credentials, error) {
	switch {
	case cred.assertion == "":
		return credentials{}, malformed("client_assertion is missing", refusal.AuthMalformed)
	case kind == "":
		return credentials{}, malformed("client_assertion_type is missing", refusal.AuthMalformed)
	case kind != assertionType:
		return credentials{}, unacceptable("client_assertion_type is not supported", refusal.AuthFailed)
	}
	cred.method = client.AuthPrivateKeyJWT // or client_secret_jwt: its header will tell
	return cred, nil
}

// validID reports whether id can be looked up safely in a database.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && utf8.ValidString(id) && !strings.Contains(id, "\x00")
}

func count(facts ...bool) int {
	n := 0
	for _, fact := range facts {
		if fact {
			n++
		}
	}
	return n
}
