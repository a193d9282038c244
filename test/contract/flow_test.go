package contract

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFlow holds what a browser and a client see from sign-up to sign-out: statuses,
// headers, cookies with their attributes, ids and fields of each page, the members of
// tokens and answers, and afterwards the metrics with their labels.
func TestFlow(t *testing.T) {
	t.Parallel()

	mail, mailURL := startMail(t)
	s := start(t, "sign_up=on", "mail_url="+mailURL, "mail_from=no-reply@id.example", "registration=open", "admin_auth=none")
	f := &flow{t: t, server: s, cookies: map[string]string{}}

	f.call("register", "/connect/register", `{"redirect_uris":["https://app.example/cb"],"post_logout_redirect_uris":["https://app.example/bye"],`+
		`"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"client_name":"App"}`,
		"Content-Type", "application/json")
	id, secret := f.member("client_id"), f.member("client_secret")
	authorize := "/oauth2/auth?" + url.Values{
		"client_id": {id}, "response_type": {"code"}, "redirect_uri": {"https://app.example/cb"}, "scope": {"openid email offline_access"},
		"state": {"some-state-of-mine"}, "nonce": {"some-nonce-of-mine"}, "prompt": {"consent create"}, "code_challenge_method": {"S256"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
	}.Encode()
	f.browse("authorize", strings.Replace(authorize, "consent+create", "consent", 1))
	f.browse("authorize to sign up", strings.Replace(authorize, "consent+create", "create", 1))
	f.submit("sign up", "username", "ada", "name", "Ada", "email", "ada@example.com", "password", "correct horse battery", "repeat", "correct horse battery")
	f.browse("link in the message", linkTo(t, mail, "ada@example.com"))
	f.submit("confirm the address", "confirm", "yes")
	f.submit("consent", "decision", "accept")
	code := f.location.Query().Get("code")
	f.note("the redirect to the client has " + strings.Join(slices.Sorted(maps.Keys(f.location.Query())), ", "))

	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	form := []string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", basic}
	f.call("code", "/oauth2/token", "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code="+code, form...)
	idToken, access, refresh := f.member("id_token"), f.member("access_token"), f.member("refresh_token")
	f.token("id_token", idToken)
	f.token("access_token", access)
	f.note("a refresh token begins with " + refresh[:4] + ", a code with " + code[:4])
	f.call("refresh", "/oauth2/token", "grant_type=refresh_token&refresh_token="+refresh, form...)
	f.call("introspect", "/oauth2/introspect", "token="+access, form...)
	f.call("device", "/oauth2/device/auth", "scope=openid", form...)
	userCode := f.member("user_code")
	f.call("device pending", "/oauth2/token", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code="+f.member("device_code"), form...)
	f.answer = s.public.do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+access)
	f.seen("userinfo")
	f.call("revoke", "/oauth2/revoke", "token="+refresh, form...)
	f.call("userinfo refused", "/userinfo", "", "Authorization", "Bearer "+access)
	f.call("wrong secret", "/oauth2/token", "grant_type=client_credentials", "Content-Type", "application/x-www-form-urlencoded", "Authorization", basic+"x")

	f.browse("home", "/")
	f.browse("device page", "/device")
	f.submit("device code", "user_code", userCode)
	f.submit("device refused", "decision", "deny")
	f.browse("choose an account", strings.Replace(authorize, "consent+create", "select_account", 1))
	f.browse("confirm the password", strings.Replace(authorize, "consent+create", "login", 1))
	f.submit("wrong password", "username", "ada", "password", "no")
	f.browse("form post", strings.Replace(authorize, "consent+create", "none", 1)+"&response_mode=form_post")
	f.browse("unknown client", "/oauth2/auth?client_id=nonsense")
	f.browse("sign out", "/oauth2/sessions/logout")
	f.submit("confirm signing out")
	if f.answer.StatusCode == http.StatusSeeOther {
		f.browse("signed out", f.location.RequestURI())
	}
	if !strings.Contains(strings.ToLower(f.answer.body), "signed out") {
		t.Errorf("the page after signing out does not have the words \"signed out\":\n%s", f.answer.body)
	}
	golden(t, "flow.txt", strings.Join(f.notes, "\n")+"\n")
	golden(t, "metrics.txt", lines(t, 30, metrics(f.server.admin.do(t, http.MethodGet, "/metrics", "").body)))
}

// flow is a client and a browser. Each step adds notes.
type flow struct {
	t        *testing.T
	server   server
	cookies  map[string]string
	answer   answer
	location *url.URL // of the last redirect
	at       string   // the page of the last answer
	notes    []string
}

func (f *flow) note(line string) { f.notes = append(f.notes, line) }

// call sends what a client sends.
func (f *flow) call(step, path, body string, header ...string) {
	f.t.Helper()
	f.answer = f.server.public.do(f.t, http.MethodPost, path, body, header...)
	f.seen(step)
}

// member returns a member of the last answer.
func (f *flow) member(name string) string {
	f.t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(f.answer.body), &members); err != nil {
		f.t.Fatalf("%v in %s", err, f.answer.body)
	}
	value, ok := members[name].(string)
	if !ok {
		f.t.Fatalf("there is no %s in %s", name, f.answer.body)
	}
	return value
}

// token notes the members of a JWT.
func (f *flow) token(name, token string) {
	f.t.Helper()
	for i, part := range []string{"header", "claims"} {
		content, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
		if err != nil {
			f.t.Fatal(err)
		}
		f.note("  " + name + " " + part + " " + members(content))
	}
}

// browse opens a page and follows redirects of the server to itself.
func (f *flow) browse(step, path string) {
	f.t.Helper()
	f.request(step, http.MethodGet, path, "")
}

func (f *flow) request(step, method, path, body string) {
	f.t.Helper()
	for range 10 {
		header := []string{"Cookie", f.cookie(), "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
		if method == http.MethodPost {
			header = append(header, "Origin", issuer, "Content-Type", "application/x-www-form-urlencoded")
		}
		f.answer = f.server.public.do(f.t, method, path, body, header...)
		for _, c := range f.answer.Cookies() {
			if f.cookies[c.Name] = c.Value; c.MaxAge < 0 {
				delete(f.cookies, c.Name)
			}
		}
		f.at = path
		f.seen(step)
		location, err := f.answer.Location()
		if err != nil {
			return
		}
		if f.location = location; location.Host != "id.example" {
			return
		}
		method, path, body = http.MethodGet, location.RequestURI(), ""
		step += ", redirected"
	}
	f.t.Fatal("too many redirects")
}

func (f *flow) cookie() string {
	var pairs []string
	for name, value := range f.cookies {
		pairs = append(pairs, name+"="+value)
	}
	return strings.Join(pairs, "; ")
}

var (
	pageForm   = regexp.MustCompile(`(?s)<form[^>]*\baction="([^"]*)"`)
	pageHidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	pageID     = regexp.MustCompile(`\sid="([^"]*)"`)
	pageField  = regexp.MustCompile(`<(?:input|button|select|textarea)\s[^>]*\bname="([^"]*)"`)
)

// submit sends the form of the page with fields in pairs of names and values.
func (f *flow) submit(step string, fields ...string) {
	f.t.Helper()
	form := url.Values{}
	for _, m := range pageHidden.FindAllStringSubmatch(f.answer.body, -1) {
		form.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	m := pageForm.FindStringSubmatch(f.answer.body)
	if m == nil {
		f.t.Fatalf("%s: the page has no form:\n%s", step, f.answer.body)
	}
	action, err := url.Parse(html.UnescapeString(m[1]))
	if err != nil {
		f.t.Fatal(err)
	}
	f.request(step, http.MethodPost, action.RequestURI(), form.Encode())
}

var (
	requestCookie = regexp.MustCompile(`[0-9A-Za-z_-]{8}$`)
	registered    = regexp.MustCompile(`^(/connect/register)/.+$`)
)

// seen notes what the last answer has.
func (f *flow) seen(step string) {
	f.t.Helper()
	f.note(step + ": " + f.answer.promised())
	if location := f.answer.Header.Get("Location"); location != "" {
		u, err := url.Parse(location)
		if err != nil {
			f.t.Fatal(err)
		}
		f.note("  to " + u.Scheme + "://" + u.Host + registered.ReplaceAllString(u.Path, "$1/ID") + " with " + strings.Join(slices.Sorted(maps.Keys(u.Query())), ", "))
	}
	for _, c := range f.answer.Cookies() {
		c.Value = ""
		if strings.Contains(c.Name, "request") {
			c.Name = requestCookie.ReplaceAllString(c.Name, "ID")
		}
		f.note("  cookie " + c.String())
	}
	if strings.HasPrefix(f.answer.Header.Get("Content-Type"), "application/json") && f.answer.body != "" {
		f.note("  members " + members([]byte(f.answer.body)))
	}
	if ids := matches(pageID, f.answer.body); len(ids) > 0 {
		f.note("  ids " + strings.Join(ids, ", "))
	}
	if fields := matches(pageField, f.answer.body); len(fields) > 0 {
		f.note("  fields " + strings.Join(fields, ", "))
	}
}

func matches(pattern *regexp.Regexp, text string) []string {
	var all []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// members lists the members of an object with the kinds of their values.
func members(content []byte) string {
	var object map[string]any
	if err := json.Unmarshal(content, &object); err != nil {
		return err.Error()
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		all = append(all, fmt.Sprintf("%s %T", name, object[name]))
	}
	return strings.NewReplacer("[]interface {}", "array", "map[string]interface {}", "object", "float64", "number").Replace(strings.Join(all, ", "))
}

var (
	metricType  = regexp.MustCompile(`(?m)^# TYPE (ostiary_\S+) (\S+)$`)
	metricValue = regexp.MustCompile(`(?m)^(ostiary_\w+)\{([^}]*)\} `)
	metricLabel = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// metrics lists names, types and labels, and the values of labels that depend on no
// request.
func metrics(text string) []string {
	var all []string
	for _, m := range metricType.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1]+" "+m[2])
	}
	for _, m := range metricValue.FindAllStringSubmatch(text, -1) {
		var labels []string
		for _, label := range metricLabel.FindAllStringSubmatch(m[2], -1) {
			switch label[1] {
			case "route", "status", "method", "rule", "version", "le":
				labels = append(labels, label[1])
			default:
				labels = append(labels, label[1]+"="+label[2])
			}
		}
		all = append(all, m[1]+" {"+strings.Join(labels, ",")+"}")
	}
	return all
}
