package authorize

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/pages"
)

// parameter is one name and value of an authorization answer.
type parameter struct{ name, value string }

// respond sends an authorization response to the client's redirect URI, in the
// requested response mode, with the unchanged state and the issuer.
//
// Spec: RFC 6749 §4.1.2; OAuth 2.0 Multiple Response Types §2.1; Form Post Response Mode §2; RFC 9207 §2.
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, a *asked, answer []parameter) {
	answer = h.complete(a, answer)
	if a.mode == modeFormPost {
		page := pages.FormPost{Action: a.redirectURI}
		for _, p := range answer {
			page.Fields = append(page.Fields, pages.Field{Name: p.name, Value: p.value})
		}
		h.Pages.FormPost(w, http.StatusOK, page)
		return
	}
	location := a.redirectURI + separator(a) + encode(answer)
	if len(location) > h.MaxRedirectURL {
		h.writeAuthorizeError(w, r, nil, tooLong("The response", len(location), h.MaxRedirectURL))
		return
	}
	pages.SeeOther(w, location)
}

// complete adds the parameters that every authorization response has.
func (h *Handler) complete(a *asked, answer []parameter) []parameter {
	if a.state != "" {
		answer = append(answer, parameter{"state", a.state})
	}
	return append(answer, parameter{"iss", h.Issuer})
}

// responseReserve is the room, in bytes, that a response needs beside the redirect
// URI, state and issuer: for a code and session_state, or an error.
const responseReserve = 512

// readLength refuses a request whose response could not be sent, before anybody signs
// in. Tokens in a fragment come on top, and are counted when they are there.
func (h *Handler) readLength(a *asked) error {
	if a.mode == modeFormPost {
		return nil
	}
	length := len(a.redirectURI) + len(encode(h.complete(a, nil))) + responseReserve
	if length > h.MaxRedirectURL {
		return tooLong("The response to this state", length, h.MaxRedirectURL)
	}
	return nil
}

// tooLong says to the client's developer why a redirect is not sent.
func tooLong(what string, length, limit int) error {
	refused := oauth2.NewError(oauth2.CodeInvalidRequest, what+" takes a redirect of "+strconv.Itoa(length)+" bytes, and the limit is "+
		strconv.Itoa(limit)+": shorten state, or use response_mode=form_post")
	return &pageError{response: refused}
}

// separator joins the redirect URI, whose own query stays as it is registered,
// and the answer.
func separator(a *asked) string {
	switch {
	case a.mode == modeFragment:
		return "#"
	case !strings.Contains(a.redirectURI, "?"):
		return "?"
	case strings.HasSuffix(a.redirectURI, "?"), strings.HasSuffix(a.redirectURI, "&"):
		return ""
	default:
		return "&"
	}
}

func encode(answer []parameter) string {
	var b strings.Builder
	for i, p := range answer {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + url.QueryEscape(p.value))
	}
	return b.String()
}

// writeAuthorizeError answers an authorization request that was refused. Where
// no asked is established, or the fault is ours for the moment, a person reads a
// page; all else goes to the client (RFC 6749 section 4.1.2.1).
func (h *Handler) writeAuthorizeError(w http.ResponseWriter, r *http.Request, a *asked, err error) {
	refused := oauth2.PrepareError(w, r, err)
	_, ok := errors.AsType[*pageError](err)
	if a == nil || ok || refused.Status == http.StatusTooManyRequests || refused.Status >= http.StatusInternalServerError {
		h.Pages.Error(w, refused.Status, h.errorPage(err, refused, w.Header().Get("X-Request-Id")))
		return
	}
	if a.device != nil {
		h.refuseDevice(w, r, a, refused)
		return
	}
	answer := []parameter{{"error", refused.Code}}
	if refused.Description != "" {
		answer = append(answer, parameter{"error_description", refused.Description})
	}
	h.respond(w, r, a, answer)
}

// errorPage says to a person what was refused, and where they can begin anew.
func (h *Handler) errorPage(err error, response *oauth2.Error, requestID string) pages.Error {
	page := pages.Error{Code: response.Code, Detail: response.Description, RequestID: requestID}
	own, ok := errors.AsType[*pageError](err)
	if !ok {
		return page
	}
	page.Detail = cmp.Or(own.detail, response.Description)
	if own.expired {
		page.Code = "expired_request"
	}
	if own.wrongBrowser {
		page.SetWrongBrowser(h.Issuer)
	}
	if c := own.client; c != nil && !c.Disabled {
		page.Client, page.RestartURL = &pages.Client{Name: c.Name()}, c.InitiateLogin(h.Issuer)
	}
	return page
}
