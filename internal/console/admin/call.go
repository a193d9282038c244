package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Call is a call of an operation of the admin API, which validates, authorizes and audits it.
type Call struct {
	Operation string            // its ID
	Path      map[string]string // the variables of the path
	Query     url.Values
	Body      any    // encoded as JSON; nil for none
	IfMatch   string // the ETag of the object that is changed; empty for any
	Actor     audit.Actor
	Holds     func(scope string) bool
	// ReadsAudited reports that the audit log records which users the administrator reads.
	ReadsAudited bool
}

// Result is the response to a [Call]: a JSON value, and the header.
type Result struct {
	Header http.Header
	Body   []byte
}

// call calls an operation as the administrator, and decodes the response into into, unless that is
// nil. It returns the token of the next page of a list.
func (v *visit) call(c Call, into any) (next string, err error) {
	header, err := callTagged(v, c, into)
	return nextPage(header.Values("Link")), err
}

// readTagged calls an operation that returns an object, decodes that into into, and returns its ETag.
func readTagged(v *visit, c Call, into any) (tag string, err error) {
	header, err := callTagged(v, c, into)
	return header.Get("ETag"), err
}

// callTagged is [visit.call] that returns the header of the response.
func callTagged(v *visit, c Call, into any) (http.Header, error) {
	c.Actor, c.Holds, c.ReadsAudited = actorOf(v.account), v.holds, v.account.AdminRole == account.Support
	result, err := v.console.API(v.r, c)
	var known *httpapi.Error
	switch {
	case errors.As(err, &known) && known.Status == http.StatusForbidden:
		return nil, fmt.Errorf("%w: %w", errRole, err)
	case errors.As(err, &known) && known.Status == http.StatusNotFound:
		return nil, fmt.Errorf("%w: %w", errNotFound, err)
	case err != nil:
		return nil, err
	}
	if into != nil {
		if err := json.Unmarshal(result.Body, into); err != nil {
			return nil, fmt.Errorf("decode the response of %s: %w", c.Operation, err)
		}
	}
	return result.Header, nil
}

// nextPage returns the page_token of the link to the next page, empty for none.
//
// Spec: RFC 8288 §3.
func nextPage(links []string) string {
	for _, link := range links {
		address, isNext := strings.CutSuffix(link, `>; rel="next"`)
		u, err := url.Parse(strings.TrimPrefix(address, "<"))
		if isNext && err == nil {
			return u.Query().Get("page_token")
		}
	}
	return ""
}

// actorOf returns the author of changes in the audit log.
func actorOf(a *account.Account) audit.Actor {
	return audit.Actor{Kind: audit.Administrator, ID: a.Subject, Name: a.Name()}
}

// rejected returns the errors of a form for an error of the API that its user can correct. The text
// is that of the API, in English.
func rejected(err error) (pages.Form, bool) {
	var known *httpapi.Error
	if !errors.As(err, &known) || known.Status != http.StatusBadRequest && known.Status != http.StatusConflict {
		return pages.Form{}, false
	}
	return pages.Form{Faults: []pages.Fault{{Text: messages.New("console.rejected", "text", known.Description)}}}, true
}

// list reads one page of a list, and fills in the links to the others.
func (v *visit) list(operation string, query url.Values, into any, content *pages.ConsoleList) error {
	parameters := url.Values{"page_size": {"25"}}
	maps.Copy(parameters, query)
	if token := v.r.Form.Get("page"); token != "" {
		parameters.Set("page_token", token)
		content.StartURL = withQuery(content.Action, query)
	}
	next, err := v.call(Call{Operation: operation, Query: parameters}, into)
	if err != nil || next == "" {
		return err
	}
	more := url.Values{"page": {next}}
	maps.Copy(more, query)
	content.MoreURL = withQuery(content.Action, more)
	return nil
}

// lines returns the lines of a text that are not empty, without spaces at their ends.
func lines(text string) []string {
	list := []string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}
