package admin

import (
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// factor is a credential as the API returns it.
type factor struct {
	ID         string    `json:"id"`
	Kind       string    `json:"kind"`
	Label      string    `json:"label"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
}

// factorNames returns the keys of the names of kinds of credentials.
func factorNames() map[string]string {
	return map[string]string{
		"password": "account.password", "passkey": "account.activity.passkey", "totp": "authenticator.title", "recovery_codes": "recovery-codes.title",
	}
}

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

// userPage is the page of the account that the path names.
func userPage(v *visit) (*pages.ConsoleDetail, error) {
	p, err := readUser(v)
	if err != nil {
		return nil, err
	}
	var factors []factor
	if _, err := v.call(Call{Operation: "listUserCredentials", Path: subjectPath(v)}, &factors); err != nil {
		return nil, err
	}
	created := v.when(p.CreatedAt)
	content := &pages.ConsoleDetail{
		Name: p.title(), Tag: p.tag(), Warning: messages.New("console.link.once"),
		Facts: []pages.Fact{
			{ID: "username", Label: messages.New("console.person.username"), Value: p.Username},
			{ID: "subject", Label: messages.New("console.person.subject"), Value: p.Subject},
			{Label: messages.New("console.person.created"), When: &created},
		},
	}
	for _, e := range p.Emails {
		label := "account.addresses.unverified"
		if e.Verified {
			label = "account.addresses.verified"
		}
		content.Facts = append(content.Facts, pages.Fact{Label: messages.New(label), Value: e.Address})
	}
	write := v.holds(apikey.UsersWrite)
	content.Sections = append(content.Sections, groupsSection(v, p, write), factorsSection(v, p, factors, write))
	if v.holds(apikey.UsersRecover) {
		content.Sections = append(content.Sections, formSection(v, p, "console.person.link", pages.Button{ID: "recover", Name: "change", Value: "recover", Text: messages.New("console.person.link")}))
	}
	if !write {
		return content, nil
	}
	content.Sections = append(content.Sections,
		formSection(v, p, "console.person.end-sessions", pages.Button{ID: "end-sessions", Name: "change", Value: "end-sessions", Text: messages.New("console.person.end-sessions")}),
		roleSection(v, p), dangerSection(v, p))
	return content, nil
}

// formSection is a section with one button.
func formSection(v *visit, p *userView, heading string, button pages.Button) pages.Section {
	return pages.Section{
		Heading: messages.New(heading), Text: messages.New(heading + ".hint"),
		Forms: []pages.FormPart{{Action: v.userURL(p.Subject), Button: button}},
	}
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

func factorsSection(v *visit, p *userView, factors []factor, write bool) pages.Section {
	s := pages.Section{ID: "factors", Heading: messages.New("console.person.factors"), Empty: messages.New("console.person.no-factors")}
	for _, f := range factors {
		name, when := v.console.Text(v.r, messages.New(factorNames()[f.Kind])), v.when(f.CreatedAt)
		row := pages.ListRow{Class: "factor", Name: name, When: &when, Post: v.userURL(p.Subject)}
		if f.Label != "" {
			row.Details = []string{f.Label}
		}
		if write {
			row.Button = &pages.Button{Name: "remove_factor", Value: f.ID, Text: messages.New("action.remove"), About: strings.TrimSpace(name + " " + f.Label)}
		}
		s.Rows = append(s.Rows, row)
	}
	return s
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
		Action: v.userURL(p.Subject), Inputs: []pages.Input{choice},
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

// userChange is a change of an account that needs no more values.
type userChange struct {
	operation string
	question  string // the key of the question before the change; empty for none
	button    string // the key of the text of its button
	done      string // the key of the result
}

func userChanges() map[string]userChange {
	return map[string]userChange{
		"end-sessions": {"endUserSessions", "", "", "console.person.sessions-ended"},
		"lock":         {"lockUser", "console.person.lock.question", "console.person.lock", "console.person.locked"},
		"unlock":       {"unlockUser", "", "", "console.person.unlocked"},
		"disable":      {"disableUser", "console.person.disable.question", "console.person.disable", "console.person.disabled"},
		"enable":       {"enableUser", "", "", "console.person.enabled"},
		"delete":       {"deleteUser", "console.person.delete.question", "console.person.delete", "console.person.deleted"},
	}
}

// changeUser serves POST /console/people/{subject}: change names the change, or remove_group a
// group and remove_factor a credential to remove. A change that takes something away needs a
// confirmation: confirm is yes after the question.
func changeUser(v *visit) error {
	form, path := v.r.PostForm, subjectPath(v)
	page := "/people/" + strings.TrimPrefix(v.userURL(path["subject"]), v.console.Root+"/people/")
	with := func(name, value string) map[string]string {
		return map[string]string{"subject": path["subject"], name: value}
	}
	var call Call
	result := messages.New("console.saved")
	switch change := form.Get("change"); {
	case form.Get("remove_group") != "":
		call = Call{Operation: "removeUserFromGroup", Path: with("group", form.Get("remove_group"))}
	case form.Get("remove_factor") != "":
		if !confirmed(v) {
			return confirm(v, "remove_factor", form.Get("remove_factor"), "console.person.factor.question", "action.remove")
		}
		call, result = Call{Operation: "deleteUserCredential", Path: with("id", form.Get("remove_factor"))}, messages.New("console.person.factor-removed")
	case change == "group":
		call = Call{Operation: "addUserToGroup", Path: with("group", strings.TrimSpace(form.Get("group")))}
	case change == "role":
		call = Call{Operation: "patchUser", Path: path, Body: map[string]any{"admin_role": form.Get("role")}}
	case change == "recover":
		return recoverUser(v)
	default:
		c, known := userChanges()[change]
		if !known {
			return errNotFound
		}
		if c.question != "" && !confirmed(v) {
			return confirm(v, "change", change, c.question, c.button)
		}
		call, result = Call{Operation: c.operation, Path: path}, messages.New(c.done)
		if change == "delete" {
			page = "/people"
		}
	}
	if _, err := v.call(call, nil); err != nil {
		return userError(v, err)
	}
	return v.done(page, result)
}

// confirm asks before a change of the account.
func confirm(v *visit, name, value, question, button string) error {
	p, err := readUser(v)
	if err != nil {
		return err
	}
	return v.show(confirmation(v.userURL(p.Subject), v.userURL(p.Subject), messages.New(question, "name", p.title()), messages.New(question+".text"),
		messages.New(button), pages.Input{Name: name, Value: value}))
}

// recoverUser shows a one-time link with which the user sets a new password.
func recoverUser(v *visit) error {
	var link oneTimeLink
	if _, err := v.call(Call{Operation: "recoverUser", Path: subjectPath(v)}, &link); err != nil {
		return userError(v, err)
	}
	content, err := userPage(v)
	if err != nil {
		return err
	}
	content.Once = []pages.Fact{linkFact(link)}
	return v.show(content)
}

// userError shows the page of the account with an error that the administrator can correct.
func userError(v *visit, err error) error {
	faults, ok := rejected(err)
	if !ok {
		return err
	}
	content, readErr := userPage(v)
	if readErr != nil {
		return readErr
	}
	content.Form = faults
	return v.refuse(http.StatusConflict, content)
}
