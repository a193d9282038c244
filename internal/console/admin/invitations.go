package admin

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// openInvitation is an invitation that is neither accepted nor expired, as the API returns it.
type openInvitation struct {
	Address   string    `json:"address"`
	Groups    []string  `json:"groups"`
	InvitedBy string    `json:"invited_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// invitations serves GET /console/people/invitations.
func invitations(v *visit) error {
	c := v.console
	content := pages.ConsoleList{
		Heading: messages.New("console.invitations"), Lede: messages.New("console.invitations.lede"), Action: c.Root + "/people/invitations",
		Empty: messages.New("console.invitations.none"),
	}
	write := v.holds(apikey.UsersWrite)
	if write {
		content.Links = []pages.LinkButton{
			{ID: "invite", Link: pages.Link{URL: c.Root + "/people/invite", Text: messages.New("console.invite")}, Primary: true},
			{ID: "invite-many", Link: pages.Link{URL: c.Root + "/people/invitations/bulk", Text: messages.New("console.invitations.bulk")}},
		}
	}
	var list []openInvitation
	if err := v.list("listInvitations", nil, &list, &content); err != nil {
		return err
	}
	for _, one := range list {
		since, until := v.when(one.CreatedAt), one.ExpiresAt
		row := pages.ListRow{Class: "invitation", Name: one.Address, Details: one.Groups, When: &since, Until: &until, Post: content.Action}
		if write {
			again := "console.invitations.again"
			if !c.HasMail {
				again = "console.invitations.new-link"
			}
			row.Buttons = []pages.Button{
				{Name: "again", Value: one.Address, Text: messages.New(again), About: one.Address},
				{Name: "withdraw", Value: one.Address, Text: messages.New("console.invitations.withdraw"), About: one.Address},
			}
		}
		content.Rows = append(content.Rows, row)
	}
	return v.show(content)
}

// changeInvitation serves POST /console/people/invitations: again sends the invitation for an address
// another time, and withdraw takes it back, after a question.
func changeInvitation(v *visit) error {
	form, page := v.r.PostForm, v.console.Root+"/people/invitations"
	if address := form.Get("again"); address != "" {
		return inviteAgain(v, address)
	}
	address := form.Get("withdraw")
	if address == "" {
		return errNotFound
	}
	if !confirmed(v) {
		return v.show(confirmation(page, page, messages.New("console.invitations.question", "email", address), messages.New("console.invitations.question.text"),
			messages.New("console.invitations.withdraw"), pages.Input{Name: "withdraw", Value: address}))
	}
	if _, err := v.call(Call{Operation: "deleteInvitation", Path: map[string]string{"address": address}}, nil); err != nil && !errors.Is(err, errNotFound) {
		return err
	}
	return v.done("/people/invitations", messages.New("console.invitations.withdrawn", "email", address))
}

// inviteAgain sends an open invitation another time, or shows its new link, once.
func inviteAgain(v *visit, address string) error {
	var list []openInvitation
	if err := readInvitation(v, address, &list); err != nil {
		return err
	}
	if len(list) == 0 {
		return v.done("/people/invitations", messages.New("console.invitations.gone", "email", address))
	}
	return invitePerson(v, address, list[0].Groups, func(faults pages.Form) pages.Page {
		return pages.ConsoleForm{
			Form: faults, Heading: messages.New("console.invitations"), Lede: messages.New("console.invitations.lede"), CancelURL: v.console.Root + "/people/invitations",
			FormPart: pages.FormPart{
				Action: v.console.Root + "/people/invitations", Inputs: []pages.Input{{Name: "again", Value: address, Kind: pages.InputHidden}},
				Button: pages.Button{ID: "again", Text: messages.New("console.invitations.again"), Primary: true},
			},
		}
	})
}

// readInvitation reads the open invitation for an address.
func readInvitation(v *visit, address string, into *[]openInvitation) error {
	_, err := v.call(Call{Operation: "listInvitations", Query: url.Values{"address": {address}}}, into)
	return err
}

// maxListBytes bounds a list of invitations, with the rest of its form.
const maxListBytes = 1<<20 + 64<<10

// listForm is the form of a list of invitations.
func listForm(v *visit) pages.ConsoleForm {
	return pages.ConsoleForm{
		Heading: messages.New("console.invitations.bulk"), Lede: messages.New("console.invitations.bulk.lede"), CancelURL: v.console.Root + "/people/invitations",
		FormPart: pages.FormPart{
			Action: v.console.Root + "/people/invitations/bulk", Multipart: true,
			Inputs: []pages.Input{
				{ID: "file", Name: "file", Label: messages.New("console.invitations.file"), Hint: messages.New("console.invitations.file.hint"), Kind: pages.InputFile},
				{ID: "list", Name: "list", Value: v.r.PostForm.Get("list"), Label: messages.New("console.invitations.list"), Hint: messages.New("console.invitations.list.hint"), Kind: pages.InputLines, Rows: 10},
			},
			Button: pages.Button{ID: "preview", Text: messages.New("console.invitations.preview"), Primary: true},
		},
	}
}

// inviteMany serves GET /console/people/invitations/bulk.
func inviteMany(v *visit) error { return v.show(listForm(v)) }

// invitationResult is the result for one user, as the API returns it.
type invitationResult struct {
	Link    string `json:"link"`
	SentTo  string `json:"sent_to"`
	Error   string `json:"error"`
	Invited bool   `json:"invited"`
}

// invitationFaults returns the keys of the reasons for which a user is not invited, by the member error.
func invitationFaults() map[string]string {
	return map[string]string{
		"address_invalid": "account.addresses.invalid", "address_repeated": "console.invitations.repeated", "address_taken": "console.invitations.taken",
		"group_unknown": "console.invitations.group", "too_many_mails": "console.invitations.too-many-mails",
	}
}

// sendInvitations serves POST /console/people/invitations/bulk: the list as text or as a file. It shows
// what would happen with each line; with confirm (yes) it invites, and shows what happened.
func sendInvitations(v *visit) error {
	form := v.r.PostForm
	text := form.Get("file")
	if strings.TrimSpace(text) == "" {
		text = form.Get("list")
	}
	entries, err := manage.ParseInvitations(text)
	if key := listFault(err, len(entries)); key != "" {
		content := listForm(v)
		content.Form = pages.Form{Faults: []pages.Fault{{Field: "list", Text: messages.New(key)}}}
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil {
		return err
	}
	body, results := []map[string]any{}, []invitationResult{}
	for _, one := range entries {
		if one.Err == nil {
			body = append(body, map[string]any{"address": one.Address, "groups": one.Groups})
		}
	}
	call := Call{Operation: "checkInvitations", Body: map[string]any{"invitations": body}}
	if confirmed(v) {
		call.Operation = "createInvitations"
		if v.console.HasMail {
			call.Query = url.Values{"mail": {"true"}}
		}
	}
	if len(body) > 0 {
		_, err = v.call(call, &results)
	}
	if faults, ok := rejected(err); ok {
		content := listForm(v)
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil {
		return err
	}
	return v.show(listPage(v, text, entries, results, confirmed(v)))
}

// listFault returns the key of the reason for which a list cannot be read, empty for none.
func listFault(err error, entries int) string {
	switch {
	case errors.Is(err, manage.ErrTooManyInvitations):
		return "console.invitations.too-many"
	case errors.Is(err, manage.ErrNoAddressColumn):
		return "console.invitations.no-column"
	case err == nil && entries == 0:
		return "console.invitations.empty"
	}
	return ""
}

// listPage shows what happens with each line of a list, or, if it is done, what happened.
func listPage(v *visit, text string, entries []manage.InvitationLine, results []invitationResult, done bool) pages.ConsoleInvitations {
	content := pages.ConsoleInvitations{BackURL: v.console.Root + "/people/invitations"}
	var report bytes.Buffer
	file := csv.NewWriter(&report)
	_ = file.Write([]string{"line", "address", "groups", "result", "link"}) // a buffer takes all
	invited := 0
	for _, one := range entries {
		row := pages.InvitationRow{Line: one.Line, Address: one.Address, Groups: one.Groups, Status: messages.New("console.invitations.quotes"), Failed: true}
		if one.Err == nil && len(results) > 0 {
			var result invitationResult
			result, results = results[0], results[1:]
			row.Link = result.Link
			row.Status, row.Failed = invitationStatus(result, done)
		}
		if !row.Failed {
			invited++
		}
		content.Rows = append(content.Rows, row)
		_ = file.Write([]string{strconv.Itoa(row.Line), cell(row.Address), cell(strings.Join(row.Groups, "|")), v.console.Text(v.r, row.Status), row.Link})
	}
	people := messages.New("console.n-people", "n", invited)
	if !done {
		content.Heading, content.Lede = messages.New("console.invitations.preview"), messages.New("console.invitations.preview.lede", "people", people, "lines", len(entries))
		content.Form = &pages.FormPart{
			Action: v.console.Root + "/people/invitations/bulk",
			Inputs: []pages.Input{{Name: "list", Value: text, Kind: pages.InputHidden}},
		}
		if invited > 0 {
			content.Form.Button = pages.Button{ID: "confirm", Name: "confirm", Value: "yes", Text: messages.New("console.invitations.send", "people", people), Primary: true}
		}
		return content
	}
	file.Flush()
	content.Heading, content.Lede = messages.New("console.invitations.report"), messages.New("console.invitations.report.lede", "people", people, "lines", len(entries))
	content.Download = &pages.FormPart{
		Action: v.console.Root + "/people/invitations/report", Inputs: []pages.Input{{Name: "report", Value: report.String(), Kind: pages.InputHidden}},
		Button: pages.Button{ID: "download", Text: messages.New("console.invitations.download")},
	}
	if !v.console.HasMail && invited > 0 {
		content.Warning = messages.New("console.invitations.links")
	}
	return content
}

// downloadReport serves POST /console/people/invitations/report: it returns the report of the page, which
// is stored nowhere, as a file.
func downloadReport(v *visit) error {
	report := v.r.PostForm.Get("report")
	if report == "" {
		return errNotFound
	}
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	v.w.Header().Set("Content-Disposition", `attachment; filename="invitations.csv"`)
	v.w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(v.w, "\uFEFF"+report) // the browser may have closed the connection
	return nil
}

// invitationStatus says what happens with a line, or what happened, and whether its user is not invited.
func invitationStatus(result invitationResult, done bool) (status messages.Message, failed bool) {
	if result.Error != "" {
		key := invitationFaults()[result.Error]
		if key == "" {
			return messages.Literal(result.Error), true
		}
		return messages.New(key), true
	}
	switch {
	case done && result.Link != "":
		return messages.New("console.invitations.linked"), false
	case done:
		return messages.New("console.invitations.sent"), false
	case result.Invited:
		return messages.New("console.invitations.renewed"), false
	}
	return messages.New("console.invitations.ready"), false
}
