package authorize

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// responder writes authorization responses and error responses.
type responder struct {
	*Config
}

// parameter is a parameter of an authorization response.
type parameter struct{ name, value string }

// write sends an authorization response to the redirect URI of the client, in the requested
// response mode, with the unchanged state and the issuer.
//
// Spec: RFC 6749 §4.1.2; OAuth 2.0 Multiple Response Types §2.1; Form Post Response Mode §2; RFC 9207 §2;
// JWT Secured Authorization Response Mode §2.
func (p *responder) write(w http.ResponseWriter, r *http.Request, a *AuthorizationRequest, response []parameter) {
	response = commonParameters(a, p.Issuer, response)
	if a.responseJWT {
		signed, err := p.responseJWT(r.Context(), a, response)
		if err != nil {
			p.refuse(w, r, nil, err)
			return
		}
		response = []parameter{{"response", signed}}
	}
	if a.responseMode == modeFormPost {
		page := pages.FormPost{Action: a.redirectURI}
		for _, parameter := range response {
			page.Fields = append(page.Fields, pages.Field{Name: parameter.name, Value: parameter.value})
		}
		p.Pages.FormPost(w, r, http.StatusOK, page)
		return
	}
	location := a.redirectURI + separator(a) + encodeParameters(response)
	if len(location) > p.MaxRedirectURL {
		p.refuse(w, r, nil, errTooLong("The response", len(location), p.MaxRedirectURL))
		return
	}
	httpapi.SeeOther(w, location)
}

// commonParameters adds the parameters of every authorization response.
func commonParameters(a *AuthorizationRequest, issuer string, response []parameter) []parameter {
	if a.state != "" {
		response = append(response, parameter{"state", a.state})
	}
	return append(response, parameter{"iss", issuer})
}

// separator joins the redirect URI, whose registered query stays unchanged, and the response.
func separator(a *AuthorizationRequest) string {
	switch {
	case a.responseMode == modeFragment:
		return "#"
	case !strings.Contains(a.redirectURI, "?"):
		return "?"
	case strings.HasSuffix(a.redirectURI, "?"), strings.HasSuffix(a.redirectURI, "&"):
		return ""
	default:
		return "&"
	}
}

func encodeParameters(response []parameter) string {
	var b strings.Builder
	for i, p := range response {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + url.QueryEscape(p.value))
	}
	return b.String()
}

// refuse writes the error response. Without a request, whose redirect URI is checked, and for
// failures of the server, the user reads a page; other errors go to the client.
//
// Spec: RFC 6749 §4.1.2.1.
func (p *responder) refuse(w http.ResponseWriter, r *http.Request, a *AuthorizationRequest, err error) {
	response := oauth2.PrepareError(w, r, err)
	_, isForPage := errors.AsType[*pageError](err)
	isForPage = isForPage && (a == nil || a.trial == nil) // the console explains a trial that failed
	if a == nil || isForPage || response.Status == http.StatusTooManyRequests || response.Status >= http.StatusInternalServerError {
		p.Pages.Error(w, r, response.Status, p.errorPage(err, response, w.Header().Get("X-Request-Id")))
		return
	}
	if a.ownPage != "" {
		p.refuseOwnPage(w, r, err, response)
		return
	}
	if a.device != nil {
		p.refuseDevice(w, r, a, response)
		return
	}
	parameters := []parameter{{"error", response.Code}}
	if response.Description != "" {
		parameters = append(parameters, parameter{"error_description", response.Description})
	}
	if a.trial != nil {
		parameters = append(parameters, parameter{"request_id", w.Header().Get("X-Request-Id")})
	}
	p.write(w, r, a, parameters)
}

// errorPage returns the page for an error, with a link to start again where that is known.
func (p *responder) errorPage(err error, response *oauth2.Error, requestID string) pages.Error {
	page := pages.Error{Code: response.Code, Detail: response.Description, RequestID: requestID}
	own, ok := errors.AsType[*pageError](err)
	if !ok {
		return page
	}
	page.Detail = cmp.Or(own.detail, response.Description)
	if own.expired {
		page.Code = "expired_request"
	}
	if own.notAllowed {
		page.Title, page.Text = messages.New("error.not-allowed.title"), messages.New("error.not-allowed.text", "client", own.client.Name())
		page.Advice = messages.New("error.not-allowed.advice")
	}
	if own.wrongBrowser {
		page.SetWrongBrowser(p.Issuer)
	}
	if c := own.client; c != nil && !c.Disabled {
		page.Client, page.RestartURL = &pages.Client{Name: c.Name(), Tagged: c.Localized, Theme: c.Theme}, c.InitiateLogin(p.Issuer)
	}
	return page
}

// refuseDevice stores that the request of a device was refused, and shows the reason to the
// user.
func (p *responder) refuseDevice(w http.ResponseWriter, r *http.Request, a *AuthorizationRequest, response *oauth2.Error) {
	if err := p.Devices.DenyDevice(r.Context(), a.device.at, p.Now()); err != nil {
		p.refuse(w, r, nil, err)
		return
	}
	if response.Code == oauth2.CodeAccessDenied {
		p.Pages.DeviceDone(w, r, http.StatusOK, pages.DeviceDone{Client: &pages.Client{Name: a.client.Name(), Tagged: a.client.Localized, Theme: a.client.Theme}, Refused: true})
		return
	}
	p.Pages.Error(w, r, response.Status, p.errorPage(response, response, w.Header().Get("X-Request-Id")))
}
