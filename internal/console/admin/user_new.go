package admin

import (
	"net/http"
	"strings"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// userForm is the form of a new account, with the values that were sent.
func userForm(v *visit) pages.ConsoleForm {
	form := v.r.Form
	return pages.ConsoleForm{
		Heading: messages.New("console.users.new"), Lede: messages.New("console.users.new.lede"), CancelURL: v.console.Root + "/people",
		FormPart: pages.FormPart{
			Action: v.console.Root + "/people/new",
			Inputs: []pages.Input{
				{ID: "username", Name: "username", Value: form.Get("username"), Label: messages.New("console.person.username"), Kind: pages.InputText, Required: true, MaxLength: 255},
				{ID: "name", Name: "name", Value: form.Get("name"), Label: messages.New("account.profile.name"), Kind: pages.InputText, MaxLength: 200},
				{ID: "email", Name: "email", Value: form.Get("email"), Label: messages.New("account.addresses.email"), Kind: pages.InputEmail, MaxLength: 254},
				{ID: "groups", Name: "groups", Value: form.Get("groups"), Label: messages.New("console.groups"), Hint: messages.New("console.invite.groups.hint"), Kind: pages.InputLines},
			},
			Button: pages.Button{ID: "create", Text: messages.New("console.users.create"), Primary: true},
		},
	}
}

// newUser serves GET /console/people/new.
func newUser(v *visit) error { return v.show(userForm(v)) }

// createUser serves POST /console/people/new: the fields username, name, email and groups. Its
// response shows the link with which the user sets a password, once.
func createUser(v *visit) error {
	form := v.r.PostForm
	body := map[string]any{"username": strings.TrimSpace(form.Get("username")), "invite": true, "groups": lines(form.Get("groups"))}
	if name := strings.TrimSpace(form.Get("name")); name != "" {
		body["claims"] = map[string]any{"name": name}
	}
	if address := strings.TrimSpace(form.Get("email")); address != "" {
		body["emails"] = []map[string]any{{"address": address, "verified": true, "primary": true}}
	}
	var created struct {
		userView

		Invitation oneTimeLink `json:"invitation"`
	}
	_, err := v.call(Call{Operation: "createUser", Body: body}, &created)
	if faults, ok := rejected(err); ok {
		content := userForm(v)
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil {
		return err
	}
	return v.show(pages.ConsoleDetail{
		Name: created.title(), Warning: messages.New("console.link.once"), Once: []pages.Fact{linkFact(created.Invitation)},
		Links: []pages.LinkButton{{ID: "user", Link: pages.Link{URL: v.userURL(created.Subject), Text: messages.New("action.continue")}}},
	})
}
