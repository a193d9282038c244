package admin

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Forms that change members of an object have, for each field NAME, a hidden field before.NAME with the
// value that the page showed. If the stored value is another one by now, somebody else has changed it:
// nothing is changed, and a page asks which of both values stays.

// A form without the field shown changes the members whatever they are.

const (
	// beforePrefix is the prefix of the names of these hidden fields.
	beforePrefix = "before."
	// shownField marks a form that has them: a field that is empty is absent.
	shownField = "shown"
)

// editField is a field of a form that changes a member of an object.
type editField struct {
	name  string
	label messages.Message
}

// edit is a change of members of an object.
type edit struct {
	name    string   // of the object
	page    string   // its page, which has the form, below the root
	target  string   // of its events in the audit log
	actions []string // of the events that change it
	members []editField
	// read returns the stored values of the members, the ETag of the object, and when it was changed.
	read func() (values map[string]string, tag string, changedAt time.Time, err error)
	// write changes the object if it still has the ETag.
	write func(tag string) error
}

// attempts bounds how often a change is tried while others change other members of the object.
const attempts = 5

// before returns the inputs with the values that a page shows.
func before(values map[string]string) []pages.Input {
	inputs := []pages.Input{{Name: shownField, Value: "yes", Kind: pages.InputHidden}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		inputs = append(inputs, pages.Input{Name: beforePrefix + name, Value: values[name], Kind: pages.InputHidden})
	}
	return inputs
}

// saveEdit makes the change that was sent. If somebody else has changed one of the members since the page
// was shown, it shows the page of the conflict and returns true. It returns the errors of the API.
//
// Spec: RFC 9110 §13.1.1.
func saveEdit(v *visit, e edit) (conflict bool, err error) {
	form := v.r.PostForm
	for range attempts {
		now, tag, changedAt, err := e.read()
		if err != nil {
			return false, err
		}
		var rows []pages.ConflictRow
		for _, m := range e.members {
			seen, theirs, mine := sameLines(form.Get(beforePrefix+m.name)), sameLines(now[m.name]), sameLines(form.Get(m.name))
			if form.Has(shownField) && theirs != seen && theirs != mine {
				rows = append(rows, pages.ConflictRow{Label: m.label, Theirs: lines(theirs), Mine: lines(mine)})
			}
		}
		if len(rows) > 0 {
			return true, showConflict(v, e, rows, sentAgain(v.r.PostForm, now), changedAt)
		}
		if err = e.write(tag); !isChanged(err) {
			return false, err
		}
	}
	return false, errBusy
}

// sameLines returns a text with the line ends of a form as those of a record.
func sameLines(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}

// isChanged reports that the API refused a change because the object was changed since it was read.
func isChanged(err error) bool {
	var known *httpapi.Error
	return errors.As(err, &known) && known.Status == http.StatusPreconditionFailed
}

// errBusy reports an object that others change all the time.
var errBusy = &httpapi.Error{Status: http.StatusConflict, Code: "conflict", Rule: refusal.Conflict, Description: "The object is being changed by others. Try again."}

// sentAgain returns the fields that were sent, over the values that are stored now.
func sentAgain(form url.Values, now map[string]string) []pages.Input {
	inputs := before(now)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if !strings.HasPrefix(name, beforePrefix) && name != shownField {
			inputs = append(inputs, pages.Input{Name: name, Value: form.Get(name), Kind: pages.InputHidden})
		}
	}
	return inputs
}

// showConflict shows both values, and who changed the object. Its form sends the inputs: the values of
// the administrator, over those that are stored now.
func showConflict(v *visit, e edit, rows []pages.ConflictRow, inputs []pages.Input, changedAt time.Time) error {
	content := pages.ConsoleConflict{
		Name: e.name, Rows: rows, TakeURL: v.console.Root + e.page,
		FormPart: pages.FormPart{Action: v.console.Root + e.page, Inputs: inputs, Button: pages.Button{ID: "keep", Text: messages.New("console.conflict.keep"), Primary: true}},
	}
	by, err := lastChange(v, e, changedAt)
	if err != nil {
		return err
	}
	if by != nil {
		content.Who, content.At = by.Actor.Name, v.when(by.At)
		if content.Who == "" {
			content.Who = by.Actor.ID
		}
	}
	return v.refuse(http.StatusConflict, content)
}

const (
	// eventsOfObject bounds the events that are read to find who changed an object: the latest ones
	// with it as their target, by an index.
	eventsOfObject = 50
	// changeTime bounds the time from an event to the change that it precedes.
	changeTime = time.Minute
)

// lastChange returns the event of the change of the object that was made at changedAt, nil for none: a
// user who changes the own account is not in the audit log.
func lastChange(v *visit, e edit, changedAt time.Time) (*audit.Event, error) {
	list, err := v.console.Events.ListEvents(v.r.Context(), audit.Filter{Target: e.target}, "", eventsOfObject)
	if err != nil {
		return nil, err
	}
	for _, event := range list {
		if event.Outcome == audit.Done && slices.Contains(e.actions, event.Action) {
			if changedAt.IsZero() || event.At.Add(changeTime).After(changedAt) {
				return event, nil
			}
			return nil, nil
		}
	}
	return nil, nil
}
