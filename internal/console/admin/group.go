package admin

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// groupView is a group as the API returns it.
type groupView struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Members     int       `json:"members"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func groupPath(v *visit) map[string]string { return map[string]string{"name": v.pathValue("name")} }

// readGroup reads the group that the path names, and its ETag.
func readGroup(v *visit) (g groupView, tag string, err error) {
	tag, err = readTagged(v, Call{Operation: "getGroup", Path: groupPath(v)}, &g)
	return g, tag, err
}

// groupApplications reads the applications that only members of the group and of others may use; none
// for a role that does not read applications.
func groupApplications(v *visit) (list []userApplication, err error) {
	if !v.holds(apikey.ClientsRead) {
		return nil, nil
	}
	_, err = v.call(Call{Operation: "listGroupApplications", Path: groupPath(v)}, &list)
	return list, err
}

// showGroup serves GET /console/groups/{name}.
func showGroup(v *visit) error {
	content, err := groupPage(v)
	if err != nil {
		return err
	}
	return v.show(content)
}

// groupPage is the page of the group that the path names: its description, members and applications.
func groupPage(v *visit) (*pages.ConsoleDetail, error) {
	g, _, err := readGroup(v)
	if err != nil {
		return nil, err
	}
	write, action := v.holds(apikey.UsersWrite), groupURL(v, g.Name)
	content := &pages.ConsoleDetail{Name: g.Name, Facts: []pages.Fact{
		{ID: "members-count", Label: messages.New("console.groups.members"), Text: countText("console.n-members", g.Members)},
	}}
	description := pages.Section{ID: "about", Heading: messages.New("console.groups.description")}
	if write {
		description.Forms = []pages.FormPart{{
			Action: action, Button: pages.Button{ID: "save", Name: "change", Value: "description", Text: messages.New("console.save")},
			Inputs: append(before(map[string]string{"description": g.Description}), pages.Input{
				ID: "description", Name: "description", Value: g.Description, Label: description.Heading, Kind: pages.InputText, UnderHeading: true, MaxLength: 500,
			}),
		}}
		content.Sections = append(content.Sections, description)
	} else {
		content.Facts = append(content.Facts, pages.Fact{Label: description.Heading, Value: g.Description})
	}
	members, err := membersSection(v, &g, write)
	if err != nil {
		return nil, err
	}
	content.Sections = append(content.Sections, members)
	if v.holds(apikey.ClientsRead) {
		list, err := groupApplications(v)
		if err != nil {
			return nil, err
		}
		s := pages.Section{ID: "applications", Heading: messages.New("console.groups.applications"), Empty: messages.New("console.groups.no-applications")}
		for i := range list {
			s.Rows = append(s.Rows, pages.ListRow{Class: "application", Name: list[i].title(), URL: v.applicationURL(list[i].ClientID)})
		}
		content.Sections = append(content.Sections, s)
	}
	if write {
		content.Sections = append(content.Sections, pages.Section{
			Heading: messages.New("console.danger"), Text: messages.New("console.groups.question.text"), Danger: true,
			Forms: []pages.FormPart{{Action: action, Button: pages.Button{ID: "delete", Name: "change", Value: "delete", Text: messages.New("console.delete"), Danger: true}}},
		})
	}
	return content, nil
}

// membersSection lists the first members of a group.
func membersSection(v *visit, g *groupView, write bool) (pages.Section, error) {
	s := pages.Section{ID: "members", Heading: messages.New("console.groups.members"), Empty: messages.New("console.groups.no-members")}
	query := pageSize(rows)
	query.Set("group", g.Name)
	var list []userView
	if _, err := v.call(Call{Operation: "listUsers", Query: query}, &list); err != nil {
		return s, err
	}
	for i := range list {
		p := &list[i]
		row := pages.ListRow{Class: "user", Name: p.title(), URL: v.userURL(p.Subject), Post: groupURL(v, g.Name)}
		if address := p.email(); address != "" && address != row.Name {
			row.Details = []string{address}
		}
		if write && mayChange(v, p) {
			row.Button = &pages.Button{Name: "remove", Value: p.Subject, Text: messages.New("action.remove"), About: p.title()}
		}
		s.Rows = append(s.Rows, row)
	}
	if g.Members > len(list) {
		s.Links = []pages.LinkButton{{ID: "all-members", Link: pages.Link{
			URL: withQuery(v.console.Root+"/people", url.Values{"group": {g.Name}}), Text: messages.New("console.groups.all-members"),
		}}}
	}
	if write {
		s.Forms = []pages.FormPart{{
			Action: groupURL(v, g.Name), Button: pages.Button{ID: "add-member", Name: "change", Value: "member", Text: messages.New("console.groups.add-member")},
			Inputs: []pages.Input{{ID: "member", Name: "member", Label: messages.New("console.groups.member"), Kind: pages.InputText, Required: true, MaxLength: 255}},
		}}
	}
	return s, nil
}

// changeGroup serves POST /console/groups/{name}: remove is the subject of a member, and change is
// description, member or delete.
func changeGroup(v *visit) error {
	form := v.r.PostForm
	page := strings.TrimPrefix(groupURL(v, v.pathValue("name")), v.console.Root)
	if subject := form.Get("remove"); subject != "" {
		return finishGroup(v, Call{Operation: "removeUserFromGroup", Path: map[string]string{"subject": subject, "group": v.pathValue("name")}})
	}
	switch form.Get("change") {
	case "description":
		return describeGroup(v, page)
	case "member":
		subject, err := findMember(v, strings.TrimSpace(form.Get("member")))
		if err != nil {
			return groupError(v, err)
		}
		return finishGroup(v, Call{Operation: "addUserToGroup", Path: map[string]string{"subject": subject, "group": v.pathValue("name")}})
	case "delete":
		return deleteGroup(v)
	}
	return errNotFound
}

// finishGroup calls an operation and returns to the page of the group.
func finishGroup(v *visit, call Call) error {
	if _, err := v.call(call, nil); err != nil {
		return groupError(v, err)
	}
	return v.done(strings.TrimPrefix(groupURL(v, v.pathValue("name")), v.console.Root), messages.New("console.saved"))
}

// groupError shows the page of the group with an error that the administrator can correct.
func groupError(v *visit, err error) error {
	faults, ok := rejected(err)
	if !ok {
		return err
	}
	content, readErr := groupPage(v)
	if readErr != nil {
		return readErr
	}
	content.Form = faults
	return v.refuse(http.StatusBadRequest, content)
}

// errNoMember reports a name that is neither a username nor an address.
var errNoMember = &httpapi.Error{Status: http.StatusBadRequest, Code: "invalid_request", Rule: refusal.ParameterInvalid, Description: "No user has this username or address."}

// findMember returns the subject of the user with a username or an address.
func findMember(v *visit, name string) (string, error) {
	query := pageSize(rows)
	query.Set("q", name)
	var list []userView
	if _, err := v.call(Call{Operation: "listUsers", Query: query}, &list); err != nil {
		return "", err
	}
	for _, p := range list {
		if strings.EqualFold(p.Username, name) {
			return p.Subject, nil
		}
	}
	for _, p := range list {
		for _, e := range p.Emails {
			if strings.EqualFold(e.Address, name) {
				return p.Subject, nil
			}
		}
	}
	return "", errNoMember
}

// describeGroup changes the description.
func describeGroup(v *visit, page string) error {
	name := v.pathValue("name")
	conflict, err := saveEdit(v, edit{
		name: name, page: page, target: name, actions: []string{"group.update"}, members: []editField{{"description", messages.New("console.groups.description")}},
		read: func() (map[string]string, string, time.Time, error) {
			now, tag, err := readGroup(v)
			return map[string]string{"description": now.Description}, tag, now.UpdatedAt, err
		},
		write: func(tag string) error {
			_, err := v.call(Call{Operation: "setGroup", Path: groupPath(v), Body: map[string]any{"description": v.r.PostForm.Get("description")}, IfMatch: tag}, nil)
			return err
		},
	})
	switch {
	case err != nil:
		return groupError(v, err)
	case conflict:
		return nil
	}
	return v.done(page, messages.New("console.saved"))
}

// deleteGroup deletes the group, after a question with the numbers of members and applications.
func deleteGroup(v *visit) error {
	g, _, err := readGroup(v)
	if err != nil {
		return err
	}
	if !confirmed(v) {
		list, err := groupApplications(v)
		if err != nil {
			return err
		}
		page := confirmation(groupURL(v, g.Name), groupURL(v, g.Name), messages.New("console.groups.question", "name", g.Name),
			messages.New("console.groups.question.text"), messages.New("console.delete"), pages.Input{Name: "change", Value: "delete"})
		page.Numbers = messages.New("console.groups.question.numbers", "members", countText("console.n-members", g.Members), "applications", messages.New("console.n-applications", "n", len(list)))
		return v.show(page)
	}
	if _, err := v.call(Call{Operation: "deleteGroup", Path: groupPath(v)}, nil); err != nil {
		return err
	}
	return v.done("/groups", messages.New("console.groups.deleted", "name", g.Name))
}
