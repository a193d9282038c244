package admin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// How long a page of a list is, unless the caller says.
const (
	pageSize    = 250
	maxPageSize = 500
)

var errPageToken = invalid("The parameter page_token is none that this list gave.")

// page is the part of a list that a caller wants.
type page struct {
	After string // what the part before ended with, empty at the beginning
	Size  int

	call     *Call
	byNumber bool
	filter   string // what the list is chosen by, which a token belongs to
}

// pageParameters are those of a list that goes from page to page.
func pageParameters() []Parameter {
	return []Parameter{
		{Name: "page_size", Type: "integer", Meaning: "How many to list, at most 500."},
		{Name: "page_token", Type: "string", Meaning: "Where to go on, as the Link header of the page before says."},
	}
}

// pageOf reads which page is wanted. A token is good for the list that it came from
// alone: filters are the names of the parameters that choose it.
func pageOf(c *Call, filters ...string) (*page, error) {
	asked := c.URL.Query()
	p := &page{Size: pageSize, call: c, filter: digest(asked, filters)}
	if text := asked.Get("page_size"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, invalid("The parameter page_size must be a number.")
		}
		if n > 0 {
			p.Size = min(n, maxPageSize)
		}
	}
	token := asked.Get("page_token")
	if token == "" || token == "1" { // as the first page was called once
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	filter, after, found := strings.Cut(string(raw), " ")
	if err != nil || !found || filter != p.filter || after == "" || !utf8.ValidString(after) || strings.Contains(after, "\x00") {
		return nil, errPageToken
	}
	p.After = after
	return p, nil
}

func digest(asked url.Values, names []string) string {
	var values []string
	for _, name := range names {
		values = append(values, asked.Get(name))
	}
	text, _ := json.Marshal(values)
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// follow says in the Link header where the list begins and, if last is the end of a
// page that is full, where it goes on (RFC 8288).
func (p *page) follow(listed int, last string) {
	p.link("first", "")
	if listed >= p.Size {
		p.link("next", p.token(last))
	}
}

func (p *page) token(last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.filter + " " + last))
}

func (p *page) link(rel, token string) {
	query := p.call.URL.Query()
	query.Set("page_size", strconv.Itoa(p.Size))
	query.Del("page_token")
	if token != "" {
		query.Set("page_token", token)
	}
	addLink(p.call, rel, query)
}

func addLink(c *Call, rel string, query url.Values) {
	c.head.Add("Link", `<`+c.URL.EscapedPath()+`?`+query.Encode()+`>; rel="`+rel+`"`)
}
