package rig

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Browse opens an address of any site on this machine as a browser does: it follows
// redirects, and on the server's pages it signs in, consents and confirms. With
// [Browser.SubmitForms] it also submits forms of other sites if they have hidden
// fields only. It returns the first page without such a form, and its address.
func (b *Browser) Browse(ctx context.Context, address string) (*Response, string, error) {
	form, passed := url.Values(nil), []string(nil)
	for range 2 * maxSteps {
		if !loopback(address) {
			return nil, address, fmt.Errorf("browse: %s is not a loopback address", path(address))
		}
		passed = append(passed, path(address))
		resp := b.submit(ctx, address, form)
		if resp.Err != nil {
			return nil, address, resp.Err
		}
		var next string
		switch {
		case resp.Status >= 300 && resp.Status < 400:
			next, form = resp.Header.Get("Location"), nil
		case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
			page, err := readPage(resp.Body)
			if err != nil {
				return nil, address, err
			}
			if form, err = b.formValues(page, strings.HasPrefix(address, b.endpoint.Issuer)); err != nil || form == nil {
				return resp, address, err
			}
			next = page.form.action
		default:
			return resp, address, nil
		}
		var err error
		if address, err = resolve(address, next); err != nil {
			return nil, address, err
		}
	}
	return nil, address, fmt.Errorf("browse: too many redirects: %v", passed)
}

// loopback reports whether the host of an address is a loopback host.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// formValues returns the values that the browser submits on a page, nil for none.
func (b *Browser) formValues(page *page, ours bool) (url.Values, error) {
	switch {
	case page.form == nil || page.errorID != "" || page.has("device-done"):
		return nil, nil
	case ours && (page.has("login") || page.has("accept") || page.has("device-accept")):
		return b.fill(page, &Authorization{})
	case ours && (page.has("logout-confirm") || page.has("device-continue")):
		return page.form.fields, nil
	case (ours || b.SubmitForms) && page.form.hidden && len(page.form.fields) > 0:
		return page.form.fields, nil
	default:
		return nil, nil
	}
}

// submit fetches an address, or submits a form to it from a page of the same site.
func (b *Browser) submit(ctx context.Context, address string, form url.Values) *Response {
	site := Endpoint{URL: address, HTTP: b.http}
	if form == nil {
		return site.Do(ctx, http.MethodGet, "", nil, http.Header{"Accept": {"text/html,*/*"}})
	}
	header := http.Header{"Accept": {"text/html,*/*"}}
	if u, err := url.Parse(address); err == nil {
		header.Set("Origin", u.Scheme+"://"+u.Host)
	}
	return site.Do(ctx, http.MethodPost, "", form, header)
}
