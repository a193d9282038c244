package demo

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed pages
var pageFiles embed.FS

// pages holds a template per page, each with the layout around it.
type pages map[string]*template.Template

func parsePages() (pages, error) {
	layout, err := template.ParseFS(pageFiles, "pages/layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	all := pages{}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		page, err := template.Must(layout.Clone()).ParseFS(pageFiles, file)
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		all[name] = page
	}
	return all, nil
}

// show writes a page, after it has rendered all of it.
func (a *app) show(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	provider := a.cfg.Issuer
	if u, err := url.Parse(provider); err == nil {
		provider = u.Host + u.Path
	}
	var out bytes.Buffer
	err := a.pages[page].ExecuteTemplate(&out, "layout.html", map[string]any{
		"Issuer": a.cfg.Issuer, "Provider": provider, "Page": data,
	})
	if err != nil {
		a.cfg.Log.LogAttrs(r.Context(), slog.LevelError, "demo page broken", slog.String("page", page), slog.Any("error", err))
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}

// home serves GET /.
func (a *app) home(w http.ResponseWriter, r *http.Request) error {
	if v := a.session(r); v != nil {
		a.show(w, r, http.StatusOK, "signed-in", a.profile(v))
		return nil
	}
	a.show(w, r, http.StatusOK, "start", map[string]any{
		"Hint": a.cfg.Hint, "MailPath": a.cfg.MailPath,
		"Discovery": strings.TrimSuffix(a.cfg.Issuer, "/") + "/.well-known/openid-configuration",
	})
	return nil
}

// legal serves GET /policy and /terms, which a consent page may link to.
func (a *app) legal(page string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		a.show(w, r, http.StatusOK, page, nil)
		return nil
	}
}

// profile is the content of the signed-in page.
type profile struct {
	Name, Initial, Subject string
	Notice                 string
	Facts                  []fact

	Header, Claims, Userinfo, Inspected string
	Members                             []shownMember
	CanRefresh, CanIntrospect           bool
}

// fact is a time, relative to now.
type fact struct {
	ID, Name, Words string
	At              time.Time
}

type shownMember struct {
	member

	Short   string
	Changed bool
}

func (a *app) profile(v *session) profile {
	v.mu.Lock()
	defer v.mu.Unlock()

	var user struct {
		Name     string `json:"name"`
		Username string `json:"preferred_username"`
		Email    string `json:"email"`
	}
	_ = json.Unmarshal(v.userinfo, &user) // missing claims have defaults
	name := firstOf(user.Name, user.Username, user.Email, v.id.Subject)
	conn := a.provider.known.Load()

	p := profile{
		Name: name, Subject: v.id.Subject, Notice: notice(v),
		Initial: strings.ToUpper(string([]rune(name)[:1])),
		Header:  pretty(v.id.header), Claims: pretty(v.id.claims),
		Userinfo: pretty(v.userinfo), Inspected: pretty(v.inspected),
		CanRefresh:    v.token.RefreshToken != "",
		CanIntrospect: conn != nil && conn.endpoint.Introspect != "",
	}
	for _, m := range members(v.token) {
		p.Members = append(p.Members, shownMember{m, shorten(m), v.changed[m.Name]})
	}

	add := func(id, name string, at time.Time) {
		if !at.IsZero() {
			p.Facts = append(p.Facts, fact{id, name, formatDuration(at.Sub(a.cfg.Now())), at})
		}
	}
	if v.id.more.AuthTime > 0 {
		add("", "Signed in at the provider", time.Unix(v.id.more.AuthTime, 0))
	}
	add("", "Signed in to this app", v.since)
	add("refreshed-at", "Tokens refreshed", v.refreshed)
	add("", "Access token ends", v.token.Expiry)
	add("", "ID token ends", v.id.Expiry)
	return p
}

// notice returns the result of the previous action.
func notice(v *session) string {
	switch {
	case v.inspected != nil:
		return "The introspection response is at the end of the page."
	case !v.refreshed.IsZero():
		return "The refresh token was exchanged for new tokens. Changed values are marked below."
	case v.ask == "fresh":
		return "You signed in again, as requested with prompt=login. auth_time is the time of the new sign-in."
	case v.ask == "maxage":
		return "The provider confirmed with auth_time that you signed in within the last 10 seconds, as requested with max_age."
	case v.ask == "choose":
		return "You chose an account. Continuing with the same account requires no password, and auth_time stays the same."
	case v.ask == "create":
		return "The provider offered to create an account, as requested with prompt=create."
	case v.ask == "silent":
		return "The provider responded without showing a page, as requested with prompt=none."
	}
	return ""
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return "unknown user"
}

func pretty(raw json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return string(raw)
	}
	return out.String()
}

// shorten truncates a secret; the rest is enough to see whether it changed.
func shorten(m member) string {
	if !m.Secret || len(m.Value) < 32 {
		return m.Value
	}
	return m.Value[:14] + "…" + m.Value[len(m.Value)-8:]
}

// formatDuration returns a time relative to now: "in 4 minutes", "3 seconds ago".
func formatDuration(d time.Duration) string {
	words := func(d time.Duration) string {
		n, unit := int64(d/time.Second), "second"
		switch {
		case d >= 36*time.Hour:
			n, unit = int64((d+12*time.Hour)/(24*time.Hour)), "day"
		case d >= 90*time.Minute:
			n, unit = int64((d+30*time.Minute)/time.Hour), "hour"
		case d >= 90*time.Second:
			n, unit = int64((d+30*time.Second)/time.Minute), "minute"
		}
		if n != 1 {
			unit += "s"
		}
		return fmt.Sprintf("%d %s", n, unit)
	}
	switch {
	case d >= time.Second:
		return "in " + words(d)
	case d <= -time.Second:
		return words(-d) + " ago"
	default:
		return "just now"
	}
}
