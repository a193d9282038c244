package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// applicationJSON serves GET /console/applications/{id}/json: all members of RFC 7591.
func applicationJSON(v *visit) error {
	current, err := readApplicationJSON(v)
	if err != nil {
		return err
	}
	return v.show(jsonForm(v, current, current))
}

// readApplicationJSON returns the client as the API does, with one member a line.
func readApplicationJSON(v *visit) (string, error) {
	var raw json.RawMessage
	if _, err := v.call(Call{Operation: "getOAuth2Client", Path: map[string]string{"id": v.pathValue("id")}}, &raw); err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, raw, "", "  "); err != nil {
		return "", err
	}
	return text.String(), nil
}

func jsonForm(v *visit, before, text string) pages.ConsoleForm {
	action := v.applicationURL(v.pathValue("id"))
	content := pages.ConsoleForm{
		Heading: messages.New("console.application.json"), Lede: messages.New("console.application.json.lede"), CancelURL: action,
		FormPart: pages.FormPart{
			Action: action + "/json",
			Inputs: []pages.Input{
				{Name: "before", Value: before, Kind: pages.InputHidden},
				{ID: "members", Name: "members", Value: text, Label: messages.New("console.application.members"), Kind: pages.InputLines, Required: true, Rows: 24},
			},
			Button: pages.Button{ID: "save", Text: messages.New("console.save"), Primary: true},
		},
	}
	if !v.holds(apikey.ClientsWrite) {
		content.Button = pages.Button{}
	}
	return content
}

// saveApplicationJSON serves POST /console/applications/{id}/json: members is the client, and before
// the client that the page showed. Members that differ are changed, unless others changed them since.
//
// Spec: RFC 6902 §4.
func saveApplicationJSON(v *visit) error {
	form := v.r.PostForm
	before, after := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal([]byte(form.Get("before")), &before) != nil {
		return errNotFound
	}
	refuse := func(faults pages.Form) error {
		content := jsonForm(v, form.Get("before"), form.Get("members"))
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err := json.Unmarshal([]byte(form.Get("members")), &after); err != nil {
		return refuse(pages.Form{Faults: []pages.Fault{{Field: "members", Text: messages.New("console.application.not-json")}}})
	}
	id := v.pathValue("id")
	if patch := difference(before, after); len(patch) > 0 {
		current, err := readApplicationJSON(v)
		if err != nil {
			return err
		}
		if now := map[string]json.RawMessage{}; json.Unmarshal([]byte(current), &now) == nil && addsPresent(before, after, now) {
			if conflict, err := jsonConflict(v, before, after); conflict || err != nil {
				return err
			}
		}
		_, err = v.call(Call{Operation: "patchOAuth2Client", Path: map[string]string{"id": id}, Body: patch}, nil)
		if faults, ok := rejected(err); ok {
			if conflict, err := jsonConflict(v, before, after); conflict || err != nil {
				return err
			}
			return refuse(faults)
		}
		if err != nil {
			return err
		}
	}
	return v.done("/applications/"+id, messages.New("console.saved"))
}

// addsPresent reports whether after adds a member that before lacks and the client has now: a patch cannot
// test that a member is absent.
func addsPresent(before, after, now map[string]json.RawMessage) bool {
	for member := range after {
		_, was := before[member]
		if _, is := now[member]; is && !was {
			return true
		}
	}
	return false
}

// jsonConflict shows the members of the client that both the administrator and somebody else have
// changed, and reports whether there are any.
func jsonConflict(v *visit, before, after map[string]json.RawMessage) (bool, error) {
	text, err := readApplicationJSON(v)
	if err != nil {
		return false, err
	}
	now, merged := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(text), &now); err != nil {
		return false, err
	}
	maps.Copy(merged, now)
	var rows []pages.ConflictRow
	for _, step := range difference(before, after) {
		member := strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.TrimPrefix(fmt.Sprint(step["path"]), "/"))
		switch step["op"] {
		case "test":
			continue
		case "remove":
			delete(merged, member)
		default:
			merged[member] = after[member]
		}
		if !sameJSON(now[member], before[member]) && !sameJSON(now[member], after[member]) && len(now[member])+len(before[member]) > 0 {
			rows = append(rows, pages.ConflictRow{Label: messages.Literal(member), Theirs: jsonLines(now[member]), Mine: jsonLines(after[member])})
		}
	}
	if len(rows) == 0 {
		return false, nil
	}
	mine, err := json.MarshalIndent(merged, "", "  ")
	if err != nil {
		return false, err
	}
	var a application
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return false, err
	}
	return true, showConflict(v, applicationEdit(&a, "/json"), rows, []pages.Input{
		{Name: "before", Value: text, Kind: pages.InputHidden}, {Name: "members", Value: string(mine), Kind: pages.InputHidden},
	}, time.Time{})
}

// jsonLines returns a value as lines of text, none if it is absent.
func jsonLines(value json.RawMessage) []string {
	var text bytes.Buffer
	if json.Indent(&text, value, "", "  ") != nil {
		return nil
	}
	return lines(text.String())
}

// difference returns the JSON Patch that changes before to after. It tests the members that it
// changes.
func difference(before, after map[string]json.RawMessage) []map[string]any {
	var patch []map[string]any
	step := func(op, member string, value json.RawMessage) {
		s := map[string]any{"op": op, "path": "/" + pointer(member)}
		if op != "remove" {
			s["value"] = value
		}
		patch = append(patch, s)
	}
	for member, old := range before {
		value, stays := after[member]
		if stays && sameJSON(old, value) {
			continue
		}
		step("test", member, old)
		if stays {
			step("replace", member, value)
		} else {
			step("remove", member, nil)
		}
	}
	for member, value := range after {
		if _, was := before[member]; !was {
			step("add", member, value)
		}
	}
	return patch
}

// pointer escapes a member name for a JSON Pointer.
//
// Spec: RFC 6901 §3.
func pointer(member string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(member)
}

// sameJSON reports whether two values are equal except for spaces.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
