package admin

import (
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// shown is the number of sessions, applications and events on the page of a person; the links below
// show all.
const shown = 5

// counted is the number of sessions that are counted.
const counted = 100

// add adds a section.
func (p *personPage) add(s pages.Section) { p.content.Sections = append(p.content.Sections, s) }

// profileClaims are the claims of the profile form, with the keys of their labels.
func profileClaims() []editField {
	return []editField{
		{"name", messages.New("account.profile.name")}, {"given_name", messages.New("account.profile.given-name")}, {"family_name", messages.New("account.profile.family-name")},
	}
}

// profile is the form of the names.
func (p *personPage) profile() {
	if !p.write {
		return
	}
	form := pages.FormPart{
		Action: p.v.userURL(p.user.Subject), Inputs: before(p.user.profile()),
		Button: pages.Button{ID: "save-profile", Name: "change", Value: "profile", Text: messages.New("console.save")},
	}
	for _, m := range profileClaims() {
		form.Inputs = append(form.Inputs, pages.Input{ID: m.name, Name: m.name, Value: p.user.profile()[m.name], Label: m.label, Kind: pages.InputText, MaxLength: 200})
	}
	p.add(pages.Section{ID: "profile", Heading: messages.New("console.person.profile"), Forms: []pages.FormPart{form}})
}

// profile returns the claims of the profile form.
func (p *userView) profile() map[string]string {
	values := map[string]string{}
	for _, m := range profileClaims() {
		values[m.name], _ = p.Claims[m.name].(string)
	}
	return values
}

// addresses lists the email addresses.
func (p *personPage) addresses() {
	s := pages.Section{ID: "addresses", Heading: messages.New("account.addresses"), Empty: messages.New("console.person.no-addresses")}
	for _, e := range p.user.Emails {
		row := pages.ListRow{Class: "address", Name: e.Address, Post: p.v.userURL(p.user.Subject)}
		button := func(name, key string) {
			row.Buttons = append(row.Buttons, pages.Button{Name: name, Value: e.Address, Text: messages.New(key), About: e.Address})
		}
		verified := "account.addresses.unverified"
		if e.Verified {
			verified = "account.addresses.verified"
		}
		row.Details = []string{p.v.console.Text(p.v.r, messages.New(verified))}
		if e.Primary {
			row.Tag = messages.New("account.addresses.primary")
		}
		if p.writeSignIn {
			if !e.Verified {
				button("verify_address", "console.person.verify")
			}
			if !e.Primary {
				button("primary_address", "account.addresses.make-primary")
			}
			button("remove_address", "action.remove")
		}
		s.Rows = append(s.Rows, row)
	}
	if p.writeSignIn {
		s.Forms = []pages.FormPart{{
			Action: p.v.userURL(p.user.Subject), Button: pages.Button{ID: "add-address", Name: "change", Value: "address", Text: messages.New("account.addresses.add")},
			Inputs: []pages.Input{
				{ID: "email", Name: "email", Label: messages.New("account.addresses.email"), Kind: pages.InputEmail, Required: true, MaxLength: 254},
				{ID: "verified", Name: "verified", Label: messages.New("console.person.verified"), Kind: pages.InputChoice, Options: []pages.Option{
					{Value: "", Text: messages.New("console.no"), Selected: true}, {Value: "true", Text: messages.New("console.yes")},
				}},
			},
		}}
	}
	p.add(s)
}

func groupsSection(v *visit, p *userView, write bool) pages.Section {
	s := pages.Section{ID: "groups", Heading: messages.New("console.groups"), Empty: messages.New("console.person.no-groups")}
	for _, group := range p.Groups {
		row := pages.ListRow{Class: "group", Name: group, Post: v.userURL(p.Subject)}
		if write {
			row.Button = &pages.Button{Name: "remove_group", Value: group, Text: messages.New("action.remove"), About: group}
		}
		s.Rows = append(s.Rows, row)
	}
	if write {
		s.Forms = []pages.FormPart{{
			Action: v.userURL(p.Subject), Button: pages.Button{ID: "add-group", Name: "change", Value: "group", Text: messages.New("console.person.add-group")},
			Inputs: []pages.Input{{ID: "group", Name: "group", Label: messages.New("console.person.group"), Kind: pages.InputText, Required: true, MaxLength: 255}},
		}}
	}
	return s
}

// factor is a credential as the API returns it.
type factor struct {
	ID         string          `json:"id"`
	Kind       credential.Kind `json:"kind"`
	Label      string          `json:"label"`
	CreatedAt  time.Time       `json:"created_at"`
	LastUsedAt time.Time       `json:"last_used_at"`
}

// factorNames returns the keys of the names of kinds of credentials.
func factorNames() map[credential.Kind]string {
	return map[credential.Kind]string{
		credential.Password: "account.password", credential.Passkey: "account.activity.passkey", credential.SecurityKey: "account.activity.security-key",
		credential.TOTP: "authenticator.title", credential.RecoveryCodes: "recovery-codes.title",
	}
}

// factors lists the ways to sign in, resets them, and gives a one-time link.
func (p *personPage) factors() error {
	var list []factor
	if _, err := p.v.call(Call{Operation: "listUserCredentials", Path: subjectPath(p.v)}, &list); err != nil {
		return err
	}
	s := pages.Section{ID: "factors", Heading: messages.New("console.person.factors"), Empty: messages.New("console.person.no-factors")}
	hasFactors := false
	for _, f := range list {
		name, made, used := p.v.console.Text(p.v.r, messages.New(factorNames()[f.Kind])), p.v.when(f.CreatedAt), p.v.when(f.LastUsedAt)
		row := pages.ListRow{Class: "factor", Name: name, When: &made, Used: &used, Post: p.v.userURL(p.user.Subject)}
		if f.Kind == credential.Password { // its use is not recorded
			row.Used = nil
		} else {
			hasFactors = true
		}
		if f.Label != "" {
			row.Details = []string{f.Label}
		}
		if p.writeSignIn {
			row.Button = &pages.Button{Name: "remove_factor", Value: f.ID, Text: messages.New("action.remove"), About: strings.TrimSpace(name + " " + f.Label)}
		}
		s.Rows = append(s.Rows, row)
	}
	if p.writeSignIn && hasFactors {
		s.Forms = []pages.FormPart{{
			Action: p.v.userURL(p.user.Subject), Button: pages.Button{ID: "reset-factors", Name: "change", Value: "reset-factors", Text: messages.New("console.person.reset"), Danger: true},
		}}
	}
	p.add(s)
	if p.v.holds(apikey.UsersRecover) && p.writeSignIn {
		p.add(formSection(p.v, p.user, "console.person.link", pages.Button{ID: "recover", Name: "change", Value: "recover", Text: messages.New("console.person.link")}))
	}
	return nil
}

// userSession is a session as the API returns it.
type userSession struct {
	ID        string    `json:"sid"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"last_seen_at"`
	Browser   string    `json:"browser"`
	System    string    `json:"system"`
	Network   string    `json:"network"`
}

// readSessions reads the newest sessions of the account, up to counted.
func readSessions(v *visit) (list []userSession, err error) {
	_, err = v.call(Call{Operation: "listUserSessions", Path: subjectPath(v), Query: pageSize(counted)}, &list)
	slices.SortFunc(list, func(a, b userSession) int { return b.SeenAt.Compare(a.SeenAt) })
	return list, err
}

// sessions lists the latest sessions.
func (p *personPage) sessions() error {
	list, err := readSessions(p.v)
	if err != nil {
		return err
	}
	s := pages.Section{ID: "sessions", Heading: messages.New("console.sessions"), Empty: messages.New("console.person.no-sessions")}
	for _, one := range list[:min(shown, len(list))] {
		since, seen := p.v.when(one.CreatedAt), p.v.when(one.SeenAt)
		device := pages.DeviceName(session.Origin{Browser: one.Browser, System: one.System})
		row := pages.ListRow{Class: "session", Title: device, When: &since, Used: &seen, Post: p.v.userURL(p.user.Subject)}
		if one.Network != "" {
			row.Details = []string{strings.TrimSuffix(one.Network, "/32")}
		}
		if p.write && one.ID != p.v.session.ID {
			row.Button = &pages.Button{Name: "end_session", Value: one.ID, Text: messages.New("account.sessions.end"), About: p.v.console.Text(p.v.r, device)}
		}
		s.Rows = append(s.Rows, row)
	}
	if len(list) > shown && p.v.holds(apikey.SessionsRead) {
		s.Links = append(s.Links, pages.LinkButton{Link: pages.Link{
			URL: withQuery(p.v.console.Root+"/sessions", map[string][]string{"subject": {p.user.Subject}}), Text: messages.New("console.person.all-sessions"),
		}})
	}
	if p.write && len(list) > 0 {
		s.Forms = []pages.FormPart{{
			Action: p.v.userURL(p.user.Subject), Button: pages.Button{ID: "end-sessions", Name: "change", Value: "end-sessions", Text: messages.New("console.person.end-sessions")},
		}}
	}
	p.add(s)
	return nil
}

// userApplication is an application that may use the account, as the API returns it.
type userApplication struct {
	ClientID   string    `json:"client_id"`
	ClientName string    `json:"client_name"`
	Scopes     []string  `json:"scopes"`
	Grants     int       `json:"grants"`
	Since      time.Time `json:"since"`
	LastUsedAt time.Time `json:"last_used_at"`
}

// title returns the name, or the ID.
func (a *userApplication) title() string {
	if a.ClientName != "" {
		return a.ClientName
	}
	return a.ClientID
}

func readUserApplications(v *visit) (list []userApplication, err error) {
	_, err = v.call(Call{Operation: "listUserApplications", Path: subjectPath(v)}, &list)
	return list, err
}

// applications lists the applications that may use the account.
func (p *personPage) applications() error {
	list, err := readUserApplications(p.v)
	if err != nil {
		return err
	}
	s := pages.Section{ID: "applications", Heading: messages.New("console.applications"), Empty: messages.New("console.person.no-applications")}
	for i := range list {
		a := &list[i]
		since, used := p.v.when(a.Since), p.v.when(a.LastUsedAt)
		row := pages.ListRow{Class: "application", Name: a.title(), Details: a.Scopes, When: &since, Used: &used, Post: p.v.userURL(p.user.Subject)}
		if p.v.holds(apikey.ClientsRead) {
			row.URL = p.v.applicationURL(a.ClientID)
		}
		if p.write {
			row.Button = &pages.Button{Name: "stop", Value: a.ClientID, Text: messages.New("account.applications.revoke"), About: a.title()}
		}
		s.Rows = append(s.Rows, row)
	}
	p.add(s)
	return nil
}

// userEvent is an event of the account as the API returns it.
type userEvent struct {
	Kind    activity.Kind `json:"kind"`
	LastAt  time.Time     `json:"last_at"`
	Count   int           `json:"count"`
	Browser string        `json:"browser"`
	System  string        `json:"system"`
	Network string        `json:"network"`
	Detail  string        `json:"detail"`
}

// activity lists the latest events, and says when the user last signed in.
func (p *personPage) activity() error {
	var list []userEvent
	if _, err := p.v.call(Call{Operation: "listUserActivity", Path: subjectPath(p.v), Query: pageSize(eventsOfObject)}, &list); err != nil {
		return err
	}
	s := pages.Section{ID: "activity", Heading: messages.New("account.activity"), Empty: messages.New("console.person.no-activity")}
	for i, e := range list {
		if i < 2*shown {
			at, origin := p.v.when(e.LastAt), session.Origin{Browser: e.Browser, System: e.System}
			row := pages.ListRow{Class: "event", Title: pages.EventTextOfUser(e.Kind, e.Detail, e.Count), When: &at}
			if origin != (session.Origin{}) {
				row.Details = []string{p.v.console.Text(p.v.r, pages.DeviceName(origin))}
			}
			if e.Network != "" {
				row.Details = append(row.Details, strings.TrimSuffix(e.Network, "/32"))
			}
			s.Rows = append(s.Rows, row)
		}
	}
	if i := slices.IndexFunc(list, func(e userEvent) bool { return e.Kind == activity.SignedIn }); i >= 0 {
		p.lastSignIn(list[i].LastAt)
	}
	if p.v.holds(apikey.AuditRead) {
		s.Links = []pages.LinkButton{{ID: "changes", Link: pages.Link{
			URL: withQuery(p.v.console.Root+"/audit", map[string][]string{"target": {p.user.Subject}}), Text: messages.New("console.person.changes"),
		}}}
	}
	p.add(s)
	return nil
}
