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

// Sizes of a page of a list.
const (
	pageSize    = 250 // by default
	maxPageSize = 500
)

var errPageToken = invalid("The parameter page_token must be a token from the Link header of this list, with the same filters.")

// page is the requested page of a list.
type page struct {
	After string // the ID of the last entry of the previous page; empty for the first page
	Size  int

	request  *Request
	byOffset bool
	filter   string // a digest of the filters, which is part of page tokens
}

// pageParameters returns the parameters of a list that is read page by page.
func pageParameters() []Parameter {
	return []Parameter{
		{Name: "page_size", Type: "integer", Description: "Number of entries per page, at most 500."},
		{Name: "page_token", Type: "string", Description: "Token of the page, from the Link header of the previous page."},
	}
}

// pageFrom reads the requested page from the query. The filters are the parameters that
// select entries of the list; a page token is valid only with the same filters.
func pageFrom(r *Request, filters ...string) (*page, error) {
	query := r.query()
	p := &page{Size: pageSize, request: r, filter: digest(query, filters)}
	if text := query.Get("page_size"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, invalid("The parameter page_size must be a number.")
		}
		if n > 0 {
			p.Size = min(n, maxPageSize)
		}
	}
	token := query.Get("page_token")
	if token == "" || token == "1" { // an old token of the first page
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

func digest(query url.Values, names []string) string {
	var values []string
	for _, name := range names {
		values = append(values, query.Get(name))
	}
	text, _ := json.Marshal(values)
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// pageOf returns the page p of a list that was read as a whole and is ordered by name.
func pageOf[T, V any](p *page, all []T, name func(T) string, view func(T) V) *Response {
	views, last := []V{}, ""
	for _, one := range all {
		if name(one) > p.After && len(views) < p.Size {
			views, last = append(views, view(one)), name(one)
		}
	}
	p.linkNext(len(views), last)
	return ok(views)
}

// linkNext sets the Link header: the first page and, if this page is full, the next one.
// Last is the ID of the last entry.
//
// Spec: RFC 8288 §3.
func (p *page) linkNext(listed int, last string) {
	if listed < p.Size {
		last = ""
	}
	p.linkAfter(last)
}

// linkAfter sets the Link header: the first page and, unless next is empty, the page that follows
// the entry next.
func (p *page) linkAfter(next string) {
	p.link("first", "")
	if next != "" {
		p.link("next", p.token(next))
	}
}

func (p *page) token(last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.filter + " " + last))
}

func (p *page) link(rel, token string) {
	query := p.request.query()
	query.Set("page_size", strconv.Itoa(p.Size))
	query.Del("page_token")
	if token != "" {
		query.Set("page_token", token)
	}
	addLink(p.request, rel, query)
}

func addLink(r *Request, rel string, query url.Values) {
	r.header.Add("Link", `<`+r.HTTP.URL.EscapedPath()+`?`+query.Encode()+`>; rel="`+rel+`"`)
}
