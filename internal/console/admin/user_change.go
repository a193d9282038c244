package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// userChange is a change of an account that needs no more values than the one in its button.
type userChange struct {
	operation string
	variable  string // the variable of the path that the value of the button is; empty for none
	question  string // the key of the question before the change; empty for none
	button    string // the key of the text of its button
	done      string // the key of the result
	ends      bool   // it ends sessions and grants, which the question counts
}

// userChanges returns the changes by the value of the field change.
func userChanges() map[string]userChange {
	return map[string]userChange{
		"end-sessions":  {operation: "endUserSessions", done: "console.person.sessions-ended"},
		"reset-factors": {operation: "resetUserFactors", question: "console.person.reset.question", button: "console.person.reset", done: "console.person.reset.done"},
		"lock":          {operation: "lockUser", question: "console.person.lock.question", button: "console.person.lock", done: "console.person.locked", ends: true},
		"unlock":        {operation: "unlockUser", done: "console.person.unlocked"},
		"disable":       {operation: "disableUser", question: "console.person.disable.question", button: "console.person.disable", done: "console.person.disabled", ends: true},
		"enable":        {operation: "enableUser", done: "console.person.enabled"},
		"delete":        {operation: "deleteUser", question: "console.person.delete.question", button: "console.person.delete", done: "console.person.deleted", ends: true},
	}
}

// rowChanges returns the changes by the name of the button of a row.
func rowChanges() map[string]userChange {
	return map[string]userChange{
		"remove_group":   {operation: "removeUserFromGroup", variable: "group", done: "console.saved"},
		"remove_factor":  {operation: "deleteUserCredential", variable: "id", question: "console.person.factor.question", button: "action.remove", done: "console.person.factor-removed"},
		"remove_address": {operation: "deleteUserAddress", variable: "address", question: "console.person.address.question", button: "action.remove", done: "console.saved"},
		"end_session":    {operation: "endUserSession", variable: "sid", done: "account.sessions.ended"},
		"stop":           {operation: "endUserApplication", variable: "client_id", question: "console.person.stop.question", button: "account.applications.revoke", done: "console.person.stopped"},
	}
}

// changeUser serves POST /console/people/{subject}: change names the change, or the button of a row its
// object. A change that takes something away needs a confirmation: confirm is yes after the question.
func changeUser(v *visit) error {
	form := v.r.PostForm
	for name, c := range rowChanges() {
		if value := form.Get(name); value != "" {
			return makeChange(v, c, name, value)
		}
	}
	for name, body := range map[string]map[string]any{"verify_address": {"verified": true}, "primary_address": {"primary": true}} {
		if address := form.Get(name); address != "" {
			return changeAddress(v, address, body)
		}
	}
	switch change := form.Get("change"); change {
	case "group":
		return finish(v, Call{Operation: "addUserToGroup", Path: userPath(v, "group", strings.TrimSpace(form.Get("group")))}, messages.New("console.saved"))
	case "address":
		return changeAddress(v, strings.TrimSpace(form.Get("email")), map[string]any{"verified": form.Get("verified") == "true"})
	case "role":
		return saveUser(v, []editField{{"role", messages.New("console.person.role")}}, func(p *userView) map[string]string {
			return map[string]string{"role": p.AdminRole}
		}, map[string]any{"admin_role": form.Get("role")})
	case "profile":
		return saveProfile(v)
	case "attributes":
		return saveAttributes(v)
	case "recover":
		return recoverUser(v)
	default:
		c, known := userChanges()[change]
		if !known {
			return errNotFound
		}
		return makeChange(v, c, "change", change)
	}
}

// userPath returns the variables of the path of an operation on the account.
func userPath(v *visit, name, value string) map[string]string {
	path := subjectPath(v)
	if name != "" {
		path[name] = value
	}
	return path
}

// makeChange makes a change, after a question if it has one. name and value are those of its button.
func makeChange(v *visit, c userChange, name, value string) error {
	if c.question != "" && !confirmed(v) {
		return confirm(v, c, name, value)
	}
	call := Call{Operation: c.operation, Path: userPath(v, c.variable, value)}
	if c.operation != "deleteUser" {
		return finish(v, call, messages.New(c.done))
	}
	if _, err := v.call(call, nil); err != nil {
		return userError(v, err)
	}
	return v.done("/people", messages.New(c.done))
}

// finish calls an operation and returns to the page of the account.
func finish(v *visit, call Call, result messages.Message) error {
	if _, err := v.call(call, nil); err != nil {
		return userError(v, err)
	}
	return v.done(personPath(v), result)
}

// personPath is the page of the account that the path names, below the root.
func personPath(v *visit) string {
	return strings.TrimPrefix(v.userURL(v.pathValue("subject")), v.console.Root)
}

// changeAddress adds an address or changes one that the account has. An address that is verified stays
// so.
func changeAddress(v *visit, address string, body map[string]any) error {
	p, err := readUser(v)
	if err != nil {
		return err
	}
	for _, e := range p.Emails {
		if e.Address == address && e.Verified {
			body["verified"] = true
		}
	}
	body["address"] = address
	return finish(v, Call{Operation: "addUserAddress", Path: subjectPath(v), Body: body}, messages.New("console.saved"))
}

// saveProfile changes the claims of the profile form. An empty one is removed.
func saveProfile(v *visit) error {
	claims := map[string]any{}
	for _, m := range profileClaims() {
		if claims[m.name] = nil; strings.TrimSpace(v.r.PostForm.Get(m.name)) != "" {
			claims[m.name] = strings.TrimSpace(v.r.PostForm.Get(m.name))
		}
	}
	return saveUser(v, profileClaims(), (*userView).profile, map[string]any{"claims": claims})
}

// saveUser changes members of the account by a merge patch, unless somebody else has changed them.
//
// Spec: RFC 7396.
func saveUser(v *visit, members []editField, values func(*userView) map[string]string, patch map[string]any) error {
	p, err := readUser(v)
	if err != nil {
		return err
	}
	conflict, err := saveEdit(v, edit{
		name: p.title(), page: personPath(v), target: p.Subject, actions: []string{"user.update"}, members: members,
		read: func() (map[string]string, string, time.Time, error) {
			var now userView
			tag, err := readTagged(v, Call{Operation: "getUser", Path: subjectPath(v)}, &now)
			return values(&now), tag, now.UpdatedAt, err
		},
		write: func(tag string) error {
			_, err := v.call(Call{Operation: "patchUser", Path: subjectPath(v), Body: patch, IfMatch: tag}, nil)
			return err
		},
	})
	switch {
	case err != nil:
		return userError(v, err)
	case conflict:
		return nil
	}
	return v.done(personPath(v), messages.New("console.saved"))
}

// confirm asks before a change of the account.
func confirm(v *visit, c userChange, name, value string) error {
	p, err := readUser(v)
	if err != nil {
		return err
	}
	page := confirmation(v.userURL(p.Subject), v.userURL(p.Subject), messages.New(c.question, "name", p.title()), messages.New(c.question+".text"),
		messages.New(c.button), pages.Input{Name: name, Value: value})
	switch {
	case c.ends:
		if page.Numbers, err = accessNumbers(v); err != nil {
			return err
		}
	case c.variable == "client_id":
		list, err := readUserApplications(v)
		if err != nil {
			return err
		}
		for i := range list {
			if a := &list[i]; a.ClientID == value {
				page.Numbers = messages.New("console.person.stop.numbers", "client", a.title(), "grants", messages.New("console.n-grants", "n", a.Grants))
			}
		}
	case c.variable == "address":
		page.Numbers = messages.Literal(value)
	}
	return v.show(page)
}

// accessNumbers says how many sessions and grants of the account a change ends.
func accessNumbers(v *visit) (messages.Message, error) {
	sessions, err := readSessions(v)
	if err != nil {
		return messages.Message{}, err
	}
	applications, err := readUserApplications(v)
	if err != nil {
		return messages.Message{}, err
	}
	grants := 0
	for _, a := range applications {
		grants += a.Grants
	}
	count := messages.New("console.n-sessions", "n", len(sessions))
	if len(sessions) == counted {
		count = messages.New("console.n-sessions.many", "n", counted)
	}
	return messages.New("console.person.ends", "sessions", count, "grants", messages.New("console.n-grants", "n", grants)), nil
}

// pageSize returns the parameter of a list with the number of entries.
func pageSize(n int) url.Values { return url.Values{"page_size": {strconv.Itoa(n)}} }

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
