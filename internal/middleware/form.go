package middleware

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

// defaultBody is the default maximum size of a body, in bytes.
const defaultBody = 64 << 10

// FormRule configures [Form].
type FormRule struct {
	Methods    []string
	Repeatable []string // parameters that may occur more than once, such as resource and audience
	Query      bool     // whether parameters are allowed in the query
	MaxBytes   int64    // of the body; 0 is 64 KiB
	Multipart  bool     // whether the body may be multipart/form-data, with files
	Refuse     Refuser  // nil writes JSON
}

// refused returns the error response for a request that is rejected before a handler.
func refused(status int, reason string) error {
	e := &httpapi.Error{Status: status, Code: "invalid_request", Description: reason, Rule: ruleOf(status)}
	if status == http.StatusTooManyRequests {
		e.Code, e.RetryAfter = "temporarily_unavailable", 5*time.Second
	}
	return e
}

func invalid(reason string) error { return refused(http.StatusBadRequest, reason) }

// Form checks and parses the parameters of a request, so that handlers do not parse
// again: r.Form and r.PostForm are set, the body is consumed, and the query has the
// accepted parameters. Every name and value is valid UTF-8 without NUL; a name occurs
// once unless the rule allows more; a parameter without a value is absent.
//
// If Query is off, a protocol parameter in the query is rejected, because URLs are
// logged.
//
// Spec: RFC 6749 §2.3.1, §3.1, §3.2, RFC 9110 §15.5.6, §15.5.14, §15.5.16.
func Form(rule FormRule) func(http.Handler) http.Handler {
	if rule.MaxBytes == 0 {
		rule.MaxBytes = defaultBody
	}
	rule.Methods = withHead(rule.Methods)
	return guard(rule.Methods, rule.Refuse, rule.check)
}

// withHead returns methods with HEAD after GET: a resource that supports GET responds to
// HEAD with the same headers.
//
// Spec: RFC 9110 §9.1, §9.3.2.
func withHead(methods []string) []string {
	at := slices.Index(methods, http.MethodGet)
	if at < 0 || slices.Contains(methods, http.MethodHead) {
		return methods
	}
	return slices.Insert(slices.Clone(methods), at+1, http.MethodHead)
}

// guard calls next with the request that check returns, and responds to rejected
// requests.
func guard(
	methods []string, answer Refuser, check func(http.ResponseWriter, *http.Request) (*http.Request, error),
) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			checked, err := check(w, r)
			if err != nil {
				refuse(w, r, answer, methods, err)
				return
			}
			next.ServeHTTP(w, checked)
		})
	}
}

// check returns the request with parsed parameters.
func (rule *FormRule) check(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if !slices.Contains(rule.Methods, r.Method) {
		return nil, refused(http.StatusMethodNotAllowed, "The method is not allowed here.")
	}
	if err := checkHeaders(r); err != nil {
		return nil, err
	}
	query, err := parseForm(r.URL.RawQuery, rule.Repeatable)
	if err != nil {
		return nil, err
	}
	if !rule.Query {
		if name := protocolParameter(query); name != "" {
			return nil, invalid("The parameter " + name + " must not be in the query.")
		}
	}
	body, err := rule.body(w, r)
	if err != nil {
		return nil, err
	}
	form := body
	if rule.Query {
		if form, err = merge(query, body, rule.Repeatable); err != nil {
			return nil, err
		}
	}
	return parsed(r, query, body, form), nil
}

// parsed returns r with its parameters set and without a body.
func parsed(r *http.Request, query, body, form url.Values) *http.Request {
	out := *r
	if r.URL.RawQuery != "" {
		address := *r.URL
		address.RawQuery = query.Encode()
		out.URL = &address
	}
	out.Form, out.PostForm = form, body
	out.Body, out.ContentLength = http.NoBody, 0
	return &out
}

// body reads the parameters of a POST. The body of other methods is not read.
func (rule *FormRule) body(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		r.Header.Del("Content-Type") // so that no handler parses a multipart body
		return url.Values{}, nil
	}
	if rule.Multipart && isMultipart(r) {
		raw, err := readBody(w, r, rule.MaxBytes)
		if err != nil {
			return nil, err
		}
		return multipartBody(r, raw)
	}
	// POST /userinfo with a Bearer token has neither a type nor a body.
	if r.Header.Get("Content-Type") != "" || r.ContentLength != 0 {
		if err := checkType(r, "application/x-www-form-urlencoded"); err != nil {
			return nil, err
		}
	}
	raw, err := readBody(w, r, rule.MaxBytes)
	if err != nil {
		return nil, err
	}
	if err := checkCharset(r, raw); err != nil {
		return nil, err
	}
	return parseForm(string(raw), rule.Repeatable)
}

// readBody reads at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	var cut *httpapi.Error
	switch {
	case errors.As(err, &cut):
		return nil, cut
	case errors.As(err, &tooLarge):
		return nil, refused(http.StatusRequestEntityTooLarge, "The request body is too large.")
	case err != nil:
		return nil, invalid("The request body could not be read.")
	}
	return raw, nil
}

// checkType accepts one content type, without compression.
func checkType(r *http.Request, want string) error {
	unsupported := refused(http.StatusUnsupportedMediaType, "The request body must be "+want+" in UTF-8, not compressed.")
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		return unsupported
	}
	got, params, err := mime.ParseMediaType(types[0])
	if err != nil || got != want {
		return unsupported
	}
	if charset, ok := params["charset"]; ok && charsets()[strings.ToLower(charset)] == unknownCharset {
		return unsupported
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return unsupported
	}
	return nil
}

// refuse writes the response to err, with the allowed methods if the method was wrong.
func refuse(w http.ResponseWriter, r *http.Request, answer Refuser, methods []string, err error) {
	if answer == nil {
		answer = JSON
	}
	e, ok := errors.AsType[*httpapi.Error](err)
	if !ok {
		e, _ = errors.AsType[*httpapi.Error](invalid("The request is malformed."))
	}
	switch e.Status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", strings.Join(methods, ", "))
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		closeAfter(w, r)
	}
	httpapi.SetRetryAfter(w, e.RetryAfter)
	note(r, e.Rule, e.Status, e.Code, e.Description)
	answer(w, r, e.Status, e.Code, httpapi.Description(e.Description))
}

// ruleOf returns the refusal rule for a status.
func ruleOf(status int) refusal.Rule {
	switch status {
	case http.StatusMethodNotAllowed:
		return refusal.MethodNotAllowed
	case http.StatusTooManyRequests:
		return refusal.RateLimited
	case http.StatusRequestTimeout:
		return refusal.BodyTooSlow
	case http.StatusRequestEntityTooLarge:
		return refusal.BodyTooLarge
	default:
		return refusal.RequestMalformed
	}
}

// closeAfter closes the connection after the response: the rest of the body of r is not
// read.
func closeAfter(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor < 2 { // HTTP/2 only ends the stream
		w.Header().Set("Connection", "close")
	}
}
