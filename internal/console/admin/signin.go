package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Identity has the claims of a verified ID token that the console reads.
type Identity struct{ Subject, SessionID, Nonce string }

const (
	callbackPath = "/callback"
	// signInLifetime is how long a user may take to sign in.
	signInLifetime = 30 * time.Minute
	// actionSignIn is the audit action of a sign-in.
	actionSignIn = "console.sign-in"
)

// pending is a sign-in that has begun: the content of its cookie.
type pending struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Page     string    `json:"page"` // below the root, where the user returns
	IsForm   bool      `json:"form"` // the query of Page has the fields of a form
	At       time.Time `json:"at"`
}

// levels are the values of acr that open the console.
func levels() []string { return []string{session.LevelPhishingResistant, session.LevelTwoFactors} }

// begin sends the browser to the issuer, where the user signs in, or proves more, within maxAge.
//
// Spec: OpenID Connect Core §3.1.2.1, §5.5.1.1, RFC 7636 §4.3.
func (c *Console) begin(w http.ResponseWriter, r *http.Request, maxAge time.Duration) error {
	p := pending{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text(), Page: c.returnPage(r), IsForm: r.Method == http.MethodPost, At: c.Now()}
	// The redirect from the issuer may come from another site, which a strict cookie does not follow.
	if err := c.setSealed(w, signInCookie, p, http.SameSiteLaxMode, signInLifetime); err != nil {
		return err
	}
	challenge := sha256.Sum256([]byte(p.Verifier))
	to := c.AuthorizeURL + "?" + url.Values{
		"response_type": {"code"}, "client_id": {client.ConsoleID}, "redirect_uri": {c.Root + callbackPath}, "scope": {"openid"},
		"state": {p.State}, "nonce": {p.Nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"max_age": {strconv.Itoa(int(maxAge.Seconds()))},
		"claims":  {`{"id_token":{"acr":{"essential":true,"values":["` + strings.Join(levels(), `","`) + `"]}}}`},
	}.Encode()
	if r.Method == http.MethodPost {
		// Browsers apply form-action 'self' to the redirects after a form: the issuer and a login app
		// have other origins.
		c.Pages.Show(w, r, http.StatusOK, pages.ConsoleContinue{URL: to})
		return nil
	}
	httpapi.SeeOther(w, to)
	return nil
}

// maxReturned bounds the fields of a form that the page to return to gets, in bytes.
const maxReturned = 1500

// returnPage returns the page to which the user returns: the page itself, and for a form the page
// that has it, with the fields that were sent.
func (c *Console) returnPage(r *http.Request) string {
	// The router has a path that ends in that of the console; a proxy may strip what precedes it.
	_, page, _ := strings.Cut(r.URL.EscapedPath(), "/console")
	query := r.URL.RawQuery
	if r.Method == http.MethodPost {
		form := maps.Clone(r.PostForm)
		maps.DeleteFunc(form, func(name string, _ []string) bool { return strings.HasPrefix(name, beforePrefix) })
		for _, name := range []string{"confirm", "before", "members", "report"} { // no page fills them in, and JSON and reports may have secrets
			form.Del(name)
		}
		query = form.Encode()
	}
	if query != "" && len(query) <= maxReturned {
		page += "?" + query
	}
	return page
}

// callback serves GET /console/callback, the redirect URI.
//
// The cookie of the console is strict, and this request may come from another site: a redirect
// would not carry the cookie, so the response is a page that leads on.
//
// Spec: OpenID Connect Core §3.1.2.5, §3.1.3.7, RFC 9207 §2.4, RFC 9700 §4.7.1.
func (c *Console) callback(w http.ResponseWriter, r *http.Request) {
	var p pending
	ok := c.openSealed(r, signInCookie, &p)
	if !ok || subtle.ConstantTimeCompare([]byte(p.State), []byte(r.Form.Get("state"))) != 1 || c.Now().After(p.At.Add(signInLifetime)) {
		// Another tab has begun a sign-in since, or this page was opened again.
		note(r, http.StatusBadRequest, refusal.PageInvalid, "the state is not that of a sign-in of this browser")
		c.Pages.Show(w, r, http.StatusBadRequest, pages.ConsoleNotSignedIn{Reason: pages.SignInInterrupted, URL: c.Root})
		return
	}
	c.clearCookie(w, signInCookie)
	if r.Form.Get("iss") != c.Issuer {
		note(r, http.StatusBadRequest, refusal.PageInvalid, "the response is of another issuer", refusal.Received("received_iss", r.Form.Get("iss")))
		c.Pages.Show(w, r, http.StatusBadRequest, pages.ConsoleNotSignedIn{Reason: pages.SignInInterrupted, URL: c.Root})
		return
	}
	if code := r.Form.Get("error"); code != "" {
		note(r, http.StatusForbidden, refusal.AccessDenied, "the issuer has not signed the user in", refusal.Received("received_error", code))
		c.Pages.Show(w, r, http.StatusForbidden, pages.ConsoleNotSignedIn{Reason: reasonOf(code), URL: c.Root + p.Page, AccountURL: c.AccountURL})
		return
	}
	who, err := c.Redeem(r.Context(), r.Form.Get("code"), p.Verifier)
	if err == nil && who.Nonce != p.Nonce {
		err = errNonce
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	if err := c.signIn(w, r, who); err != nil {
		c.fail(w, r, err)
		return
	}
	to := c.Root + p.Page
	if path, query, hasQuery := strings.Cut(p.Page, "?"); p.IsForm && hasQuery {
		mark, err := c.formMark(who.Subject, path, query)
		if err != nil {
			c.fail(w, r, err)
			return
		}
		to += "&" + returnedParameter + "=" + mark
	}
	c.Pages.Show(w, r, http.StatusOK, pages.ConsoleContinue{URL: to})
}

const (
	// returnedParameter marks the fields of a form to which the user has returned.
	returnedParameter = "returned"
	formPurpose       = "ostiary_console_form"
)

// formMark returns the mark of the fields of a form that a user sent before a sign-in: a page with many
// fields takes them from its address only with the mark, since anybody can write a link.
func (c *Console) formMark(subject, path, query string) (string, error) {
	sealed, err := c.Sealer.Seal(formPurpose, []byte(subject+" "+path+"?"+query))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// returned reports whether the user has sent the fields in the address of the page before a sign-in.
func (v *visit) returned() bool {
	query, mark, found := strings.Cut(v.r.URL.RawQuery, "&"+returnedParameter+"=")
	sealed, err := base64.RawURLEncoding.DecodeString(mark)
	if !found || err != nil {
		return false
	}
	plain, err := v.console.Sealer.Open(formPurpose, sealed)
	path := strings.TrimPrefix(v.r.URL.EscapedPath(), "/console")
	return err == nil && string(plain) == v.who.Subject+" "+path+"?"+query
}

// errNonce reports an ID token of another sign-in.
var errNonce = errors.New("the nonce of the ID token is not that of the sign-in")

// reasonOf returns why the issuer has not signed the user in.
func reasonOf(code string) pages.NotSignedIn {
	if code == "unmet_authentication_requirements" {
		return pages.SecondFactorMissing
	}
	return pages.SignInCancelled
}

// signIn stores in the browser who signed in, and records it in the audit log.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request, who *Identity) error {
	a, err := c.Accounts.Account(r.Context(), who.Subject)
	if err != nil {
		return err
	}
	if len(c.RoleScopes(a.AdminRole)) == 0 {
		return errNoRole
	}
	return c.audited(r, a, actionSignIn, a.Subject, func(context.Context) error {
		now := c.Now()
		return c.setSealed(w, sessionCookie, signedIn{Subject: who.Subject, SessionID: who.SessionID, At: now, Seen: now}, http.SameSiteStrictMode, 0)
	})
}

// note records why a sign-in ended, for the log and the page of rejected requests.
func note(r *http.Request, status int, rule refusal.Rule, text string, attrs ...refusal.Attr) {
	refusal.Note(r.Context(), refusal.Rejection{Message: "console sign-in refused", Status: status, Rule: rule, Text: text, Attrs: attrs})
}
