package admin

import (
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// showUser serves GET /console/people/{subject}.
func showUser(v *visit) error {
	content, err := userPage(v)
	if err != nil {
		return err
	}
	return v.show(content)
}

// readUser reads the account that the path names.
func readUser(v *visit) (*userView, error) {
	var p userView
	_, err := v.call(Call{Operation: "getUser", Path: subjectPath(v)}, &p)
	return &p, err
}

func subjectPath(v *visit) map[string]string {
	return map[string]string{"subject": v.pathValue("subject")}
}

// personPage builds the page of an account.
type personPage struct {
	v    *visit
	user *userView
	// write reports that the administrator may change the account, writeSignIn how its user signs in.
	write, writeSignIn bool
	content            *pages.ConsoleDetail
}

// userPage is the page of the account that the path names.
func userPage(v *visit) (*pages.ConsoleDetail, error) {
	user, err := readUser(v)
	if err != nil {
		return nil, err
	}
	p := &personPage{v: v, user: user, write: mayChange(v, user)}
	p.writeSignIn = p.write && mayChangeSignIn(v, user)
	p.content = &pages.ConsoleDetail{Name: user.title(), Tag: user.tag(), Warning: messages.New("console.link.once"), Facts: p.facts()}
	p.profile()
	p.addresses()
	p.content.Sections = append(p.content.Sections, groupsSection(v, user, p.write))
	for _, section := range []func() error{p.attributes, p.factors, p.sessions, p.applications, p.activity} {
		if err := section(); err != nil {
			return nil, err
		}
	}
	if p.write {
		p.content.Sections = append(p.content.Sections, roleSection(v, user), dangerSection(v, user))
	}
	return p.content, nil
}

// mayChange reports whether the administrator may change the account: the role has all rights of its
// role.
func mayChange(v *visit, p *userView) bool {
	return v.holds(apikey.UsersWrite) && v.mayGive(account.AdminRole(p.AdminRole))
}

// mayChangeSignIn reports whether the administrator may change how the user signs in: for an
// administrator, only an owner may.
func mayChangeSignIn(v *visit, p *userView) bool {
	return account.AdminRole(p.AdminRole) != account.Administrator || v.mayGive(account.Owner)
}

// facts are the members of the account that have no form.
func (p *personPage) facts() []pages.Fact {
	created, state := p.v.when(p.user.CreatedAt), stateNames()[p.user.State]
	if state == "" {
		state = "console.state.active"
	}
	facts := []pages.Fact{
		{ID: "username", Label: messages.New("console.person.username"), Value: p.user.Username},
		{ID: "subject", Label: messages.New("console.person.subject"), Value: p.user.Subject},
		{ID: "state", Label: messages.New("console.person.state"), Text: messages.New(state)},
		{Label: messages.New("console.person.created"), When: &created},
	}
	if at := p.user.DeletesAt; !at.IsZero() {
		facts = append(facts, pages.Fact{ID: "deletes", Label: messages.New("console.person.deletes"), Value: at.Format("2006-01-02 15:04 MST")})
	}
	return facts
}

// lastSignIn adds when the user last signed in.
func (p *personPage) lastSignIn(at time.Time) {
	if !at.IsZero() {
		when := p.v.when(at)
		p.content.Facts = append(p.content.Facts, pages.Fact{ID: "last-sign-in", Label: messages.New("console.person.last-sign-in"), When: &when})
	}
}

// formSection is a section with one button.
func formSection(v *visit, p *userView, heading string, button pages.Button) pages.Section {
	return pages.Section{
		Heading: messages.New(heading), Text: messages.New(heading + ".hint"),
		Forms: []pages.FormPart{{Action: v.userURL(p.Subject), Button: button}},
	}
}

// roleSection changes the role, to one that the administrator may give.
func roleSection(v *visit, p *userView) pages.Section {
	choice := pages.Input{ID: "role", Name: "role", Label: messages.New("console.person.role"), Kind: pages.InputChoice, UnderHeading: true, Options: []pages.Option{
		{Value: "", Text: messages.New("console.role.none"), Selected: p.AdminRole == ""},
	}}
	for _, role := range account.AdminRoles() {
		if v.mayGive(role) || p.AdminRole == string(role) {
			choice.Options = append(choice.Options, pages.Option{Value: string(role), Text: messages.New(roleNames()[role]), Selected: p.AdminRole == string(role)})
		}
	}
	return pages.Section{Heading: messages.New("console.person.role"), Text: messages.New("console.person.role.hint"), Forms: []pages.FormPart{{
		Action: v.userURL(p.Subject), Inputs: append(before(map[string]string{"role": p.AdminRole}), choice),
		Button: pages.Button{ID: "save-role", Name: "change", Value: "role", Text: messages.New("console.save")},
	}}}
}

// mayGive reports whether the administrator has all rights of the role.
func (v *visit) mayGive(role account.AdminRole) bool {
	for _, scope := range v.console.RoleScopes(role) {
		if !v.holds(scope) {
			return false
		}
	}
	return true
}

func dangerSection(v *visit, p *userView) pages.Section {
	button := func(id, key string, danger bool) pages.FormPart {
		return pages.FormPart{Action: v.userURL(p.Subject), Button: pages.Button{ID: id, Name: "change", Value: id, Text: messages.New(key), Danger: danger}}
	}
	s := pages.Section{Heading: messages.New("console.danger"), Text: messages.New("console.person.danger.hint"), Danger: true}
	if p.LockedAt.IsZero() {
		s.Forms = append(s.Forms, button("lock", "console.person.lock", true))
	} else {
		s.Forms = append(s.Forms, button("unlock", "console.person.unlock", false))
	}
	if p.State == "disabled" {
		s.Forms = append(s.Forms, button("enable", "console.person.enable", false))
	} else {
		s.Forms = append(s.Forms, button("disable", "console.person.disable", true))
	}
	s.Forms = append(s.Forms, button("delete", "console.person.delete", true))
	return s
}
