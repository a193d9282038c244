package pages

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// consoleSamples returns the pages of the account console. client returns a client with the same
// text in every field.
func consoleSamples(client func(text, link string) Client) []sample {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	when := When{At: now.Add(-3 * time.Hour), Now: now}
	page := func(name string, content func(text, link string) Page, ids ...string) sample {
		return sample{"account-" + name, func(p *Pages, w http.ResponseWriter, text, link string) {
			r := WithFrame(request(), Frame{HomeURL: link, SignOutURL: link, User: text, Status: text, Menu: []MenuGroup{
				{{Link: Link{link, messages.Literal(text)}, Current: true}}, {{Link: Link{link, messages.Literal(text)}}},
			}})
			p.Show(w, r, http.StatusOK, content(text, link))
		}, append([]string{"content", "sign-out", "status"}, ids...)}
	}
	origin := func(text string) session.Origin { return session.Origin{Browser: text, System: text, Network: text} }
	row := func(text, link string) ApplicationRow {
		return ApplicationRow{Client: client(text, link), ID: text, Scopes: []Scope{DescribeScope(text)}, Since: when, Used: when, OpenURL: link}
	}
	return []sample{
		page("overview", func(text, link string) Page {
			return AccountOverview{
				User:     text,
				Todos:    []Todo{{messages.Literal(text), Link{link, messages.Literal(text)}}},
				Cards:    []Card{{messages.Literal(text), Link{link, messages.Literal(text)}}},
				SignedIn: when, Device: origin(text),
			}
		}),
		page("sessions", func(text, link string) Page {
			one := SessionRow{ID: text, Origin: origin(text), Since: when, Seen: when}
			return AccountSessions{Action: link, SignOutURL: link, Current: one, Others: []SessionRow{one}, OlderURL: link, NewestURL: link}
		}, "end-others"),
		page("applications", func(text, link string) Page {
			return AccountApplications{Action: link, Applications: []ApplicationRow{row(text, link)}}
		}),
		page("revoke", func(text, link string) Page {
			return AccountRevoke{Action: link, CancelURL: link, ApplicationRow: row(text, link)}
		}, "confirm", "cancel"),
		page("approvals", func(text, link string) Page {
			return AccountApprovals{
				Action: link, Requests: []ApprovalRow{{client(text, link), link, text, time.Minute}}, Blocked: []BlockedRow{{client(text, link), text}},
			}
		}),
		page("approval", func(text, link string) Page {
			return AccountApproval{
				Action: link, ListURL: link, ID: text, Client: client(text, link), Scopes: []Scope{DescribeScope(text)}, Resources: []string{text},
				Message: text, Network: text, Left: time.Minute,
			}
		}, "deny", "allow", "block", "binding-message", "cancel"),
		page("activity", func(text, link string) Page {
			return AccountActivity{Action: link, Topics: []Topic{{text, messages.Literal(text), true}}, Events: []EventRow{{text, messages.Literal(text), when, true, true, origin(text)}}, OlderURL: link, NewestURL: link}
		}, "topic", "show"),
		page("profile", func(text, link string) Page {
			faults := Form{[]Fault{{Field: "picture", Text: messages.Literal(text)}}}
			return AccountProfile{
				Form: faults, Action: link, CancelURL: link, Passkeys: &PasskeyUser{RPID: text, UserID: text, Name: text, DisplayName: text},
				Name: text, GivenName: text, FamilyName: text, Picture: link, Locale: text, Zoneinfo: text,
				Attributes: []Attribute{
					{ID: "attribute-text", Name: "attributes.text", Label: text, Type: "string", Value: text, Required: true},
					{ID: "attribute-list", Name: "attributes.list", Label: text, Type: "list", Value: text},
					{ID: "attribute-boolean", Name: "attributes.boolean", Label: text, Type: "boolean", Value: "false"},
				},
				Managed: []Attribute{{Label: text, Type: "list", Value: text}, {Label: text, Type: "boolean", Value: "true"}},
			}
		}, "name", "given-name", "family-name", "picture", "locale", "zoneinfo", "save", "attribute-text", "attribute-list", "attribute-boolean", "managed"),
		page("addresses", func(text, link string) Page {
			faults := Form{[]Fault{{Field: "email", Text: messages.Literal(text)}}}
			return AccountAddresses{Form: faults, Action: link, Email: text, Addresses: []AddressRow{
				{Address: text, Verified: true, Primary: true}, {Address: text, Verified: true, MayBePrimary: true}, {Address: text, MayVerify: true},
			}}
		}, "email", "add"),
		page("delete", func(text, link string) Page {
			faults := Form{[]Fault{{Field: "username", Text: messages.Literal(text)}}}
			return AccountDelete{Form: faults, Action: link, CancelURL: link, Username: text}
		}, "username", "delete", "cancel"),
		page("data", func(text, link string) Page {
			return AccountData{Form: Form{[]Fault{{Text: messages.Literal(text)}}}, Action: link, FileURL: link, MadeAt: when}
		}, "file", "download"),
		page("password", func(text, link string) Page {
			faults := Form{[]Fault{{Field: "new-password", Text: messages.Literal(text)}, {Text: messages.Literal(text)}}}
			return AccountPassword{Form: faults, Action: link, CancelURL: link, Username: text, HasPassword: true, SetAt: when, MinLength: 15, EndOthers: true}
		}, "current-password", "new-password", "end-others", "save", "faults"),
	}
}

func TestElapsedTimeInWords(t *testing.T) {
	t.Parallel()
	p, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Second: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 119 * time.Minute: "1 hour ago",
		23*time.Hour + 59*time.Minute: "23 hours ago", 24 * time.Hour: "1 day ago", 59 * 24 * time.Hour: "59 days ago",
		60 * 24 * time.Hour: "2 months ago", 729 * 24 * time.Hour: "24 months ago", 730 * 24 * time.Hour: "2 years ago",
	} {
		got := string(ago(When{At: now.Add(-d), Now: now}, p.renderer.languages.offered[0].Catalogue))
		if !strings.Contains(got, ">"+want+"<") || !strings.Contains(got, now.Add(-d).Format(time.RFC3339)) {
			t.Errorf("%v ago = %s, want %q", d, got, want)
		}
	}
}

func TestDateInWords(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{
		"en": "1 March 2026", "de": "1. März 2026", "es": "1 de marzo de 2026", "fr": "1er mars 2026", "ja": "2026 年 3 月 1 日", "zh-Hans": "2026 年 3 月 1 日",
	} {
		catalogue, err := messages.Load(language)
		if err != nil {
			t.Fatal(err)
		}
		got := string(date(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), catalogue))
		if got != `<time datetime="2026-03-01T12:00:00Z">`+want+"</time>" {
			t.Errorf("date in %q = %s, want %q", language, got, want)
		}
	}
}

// Pages at the end of a flow lead to the account pages, where there are any.
func TestPagesLeadToTheAccount(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "https://id.example/account"} {
		o := options()
		o.AccountURL = url
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range samples() {
			if !slices.Contains([]string{"home", "signedout", "devicedone", "error"}, s.page) {
				continue
			}
			w := httptest.NewRecorder()
			s.write(p, w, "Acme", "https://acme.example/")
			if got := strings.Contains(w.Body.String(), `id="account" href="`+url+`"`); got != (url != "") {
				t.Errorf("the page %s leads to the account at %q: %v", s.page, url, got)
			}
		}
	}
}

func TestEmptyListsSaySo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content Page
		want    string
	}{
		"sessions":     {AccountSessions{}, "Only this device is signed in."},
		"applications": {AccountApplications{}, "No application uses your account yet."},
		"addresses":    {AccountAddresses{}, "Add an address to recover your account."},
		"activity":     {AccountActivity{}, "Nothing yet."},
		"overview":     {AccountOverview{}, "Nothing to do."},
	} {
		_, doc := open(t, func(p *Pages, w http.ResponseWriter) {
			p.Show(w, request(), http.StatusOK, tc.content)
		})
		if got := text(doc); !strings.Contains(got, tc.want) {
			t.Errorf("the page %s lacks %q", name, tc.want)
		}
	}
}
