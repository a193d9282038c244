package admin

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// userView is an account as the API returns it.
type userView struct {
	Subject  string `json:"subject"`
	Username string `json:"username"`
	State    string `json:"state"`
	Emails   []struct {
		Address  string `json:"address"`
		Verified bool   `json:"verified"`
		Primary  bool   `json:"primary"`
	} `json:"emails"`
	Claims     map[string]any `json:"claims"`
	Groups     []string       `json:"groups"`
	Attributes map[string]any `json:"attributes"`
	AdminRole  string         `json:"admin_role"`
	LockedAt   time.Time      `json:"locked_at"`
	DeletesAt  time.Time      `json:"deletes_at"`
	CreatedAt  time.Time      `json:"created_at"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

// title returns the full name, the username or the subject.
func (p *userView) title() string {
	if name, _ := p.Claims["name"].(string); name != "" {
		return name
	}
	if p.Username != "" {
		return p.Username
	}
	return p.Subject
}

// email returns the primary address, empty for none.
func (p *userView) email() string {
	if len(p.Emails) == 0 {
		return ""
	}
	return p.Emails[0].Address
}

// stateNames returns the keys of the names of states that an administrator should see.
func stateNames() map[string]string {
	return map[string]string{
		"disabled": "console.state.disabled", "must_change_password": "console.state.must-change-password", "must_enrol": "console.state.must-enrol",
		"locked": "console.state.locked",
	}
}

// tag returns the state of the user, or else the role; a zero message for neither.
func (p *userView) tag() messages.Message {
	state := p.State
	if !p.LockedAt.IsZero() {
		state = "locked"
	}
	if key, ok := stateNames()[state]; ok {
		return messages.New(key)
	}
	for role, key := range roleNames() {
		if string(role) == p.AdminRole {
			return messages.New(key)
		}
	}
	return messages.Message{}
}

// people serves GET /console/people: q is the beginning of a name or an address, group the name of a
// group.
func users(v *visit) error {
	c, query := v.console, url.Values{}
	for _, name := range []string{"q", "group"} {
		if value := v.r.Form.Get(name); value != "" {
			query.Set(name, value)
		}
	}
	content := pages.ConsoleList{
		Heading: messages.New("console.people"), Action: c.Root + "/people", Empty: messages.New("console.people.none"),
		Search: &pages.Input{ID: "search", Name: "q", Value: query.Get("q"), Label: messages.New("console.people.search")},
	}
	if group := query.Get("group"); group != "" {
		content.Lede = messages.New("console.people.of-group", "group", group)
	}
	if v.holds(apikey.UsersWrite) {
		content.Links = []pages.LinkButton{
			{ID: "invite", Link: pages.Link{URL: c.Root + "/people/invite", Text: messages.New("console.invite")}, Primary: true},
			{ID: "invite-many", Link: pages.Link{URL: c.Root + "/people/invitations/bulk", Text: messages.New("console.invitations.bulk")}},
			{ID: "invitations", Link: pages.Link{URL: c.Root + "/people/invitations", Text: messages.New("console.invitations")}},
			{ID: "new", Link: pages.Link{URL: c.Root + "/people/new", Text: messages.New("console.users.new")}},
		}
	}
	var list []userView
	if err := v.list("listUsers", query, &list, &content); err != nil {
		return err
	}
	for i := range list {
		p, row := &list[i], pages.ListRow{Class: "user", Name: list[i].title(), URL: v.userURL(list[i].Subject), Tag: list[i].tag()}
		for _, text := range []string{p.Username, p.email()} {
			if text != "" && text != row.Name && !slices.Contains(row.Details, text) {
				row.Details = append(row.Details, text)
			}
		}
		content.Rows = append(content.Rows, row)
	}
	return v.show(content)
}

func (v *visit) userURL(subject string) string {
	return v.console.Root + "/people/" + url.PathEscape(subject)
}

// inviteForm is the form of an invitation, with the values that were sent.
func inviteForm(v *visit) pages.ConsoleForm {
	form := v.r.Form
	return pages.ConsoleForm{
		Heading: messages.New("console.invite"), Lede: messages.New("console.invite.lede"), CancelURL: v.console.Root + "/people",
		FormPart: pages.FormPart{
			Action: v.console.Root + "/people/invite",
			Inputs: []pages.Input{
				{ID: "email", Name: "email", Value: form.Get("email"), Label: messages.New("account.addresses.email"), Kind: pages.InputEmail, Required: true, MaxLength: 254},
				{ID: "groups", Name: "groups", Value: form.Get("groups"), Label: messages.New("console.groups"), Hint: messages.New("console.invite.groups.hint"), Kind: pages.InputLines},
			},
			Button: pages.Button{ID: "send", Text: messages.New("console.invite.send"), Primary: true},
		},
	}
}

// invite serves GET /console/people/invite.
func invite(v *visit) error { return v.show(inviteForm(v)) }

// oneTimeLink is a link for a user, or the address that it was sent to.
type oneTimeLink struct {
	Link   string `json:"link"`
	SentTo string `json:"sent_to"`
}

// sendInvitation serves POST /console/people/invite: the fields email and groups. A server without
// mail shows the link, once.
func sendInvitation(v *visit) error {
	form := v.r.PostForm
	return invitePerson(v, form.Get("email"), lines(form.Get("groups")), func(faults pages.Form) pages.Page {
		content := inviteForm(v)
		content.Form = faults
		return content
	})
}

// invitePerson invites the owner of an address by mail, or shows the link, once. If that is rejected,
// it shows the page that refused returns.
func invitePerson(v *visit, address string, groups []string, refused func(pages.Form) pages.Page) error {
	query := url.Values{}
	if v.console.HasMail {
		query.Set("mail", "true")
	}
	var link oneTimeLink
	if _, err := v.call(Call{Operation: "createInvitation", Query: query, Body: map[string]any{"address": address, "groups": groups}}, &link); err != nil {
		if faults, ok := rejected(err); ok {
			return v.refuse(http.StatusBadRequest, refused(faults))
		}
		return err
	}
	if link.SentTo != "" {
		return v.done("/people/invitations", messages.New("console.invite.sent", "email", link.SentTo))
	}
	return v.show(pages.ConsoleDetail{
		Name: address, Warning: messages.New("console.link.once"), Once: []pages.Fact{linkFact(link)},
		Links: []pages.LinkButton{{ID: "done", Link: pages.Link{URL: v.console.Root + "/people/invitations", Text: messages.New("console.invitations")}}},
	})
}

func linkFact(link oneTimeLink) pages.Fact {
	return pages.Fact{ID: "link", Label: messages.New("console.link"), Value: link.Link, Copy: true}
}
