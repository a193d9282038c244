package target

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// form is the first form of a page, as a browser without script sends it.
type form struct {
	action  string
	fields  url.Values // hidden ones, text and what is ticked
	buttons []button
	boxes   []button // that are not ticked

	username string // the name of the field for it
	password string // the name of the field for it
}

// button is something that sends or adds a value when it is chosen.
type button struct{ id, name, value string }

// readForm finds the first form of a page that is sent by POST.
func readForm(page []byte) (*form, error) {
	z := html.NewTokenizer(bytes.NewReader(page))
	var f *form
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		name, more := z.TagName()
		switch tag := string(name); {
		case kind == html.EndTagToken:
			if f != nil && tag == "form" {
				return f, nil
			}
		case kind != html.StartTagToken && kind != html.SelfClosingTagToken:
		case f == nil && tag == "form":
			if a := attributes(z, more); strings.EqualFold(a["method"], "post") {
				f = &form{action: a["action"], fields: url.Values{}}
			}
		case f != nil && (tag == "input" || tag == "button"):
			f.take(tag, attributes(z, more))
		}
	}
	if f == nil {
		return nil, errors.New("a page without a form: " + words(page))
	}
	return f, nil
}

func attributes(z *html.Tokenizer, more bool) map[string]string {
	all := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		all[string(key)] = string(value)
	}
	return all
}

func (f *form) take(tag string, a map[string]string) {
	kind := strings.ToLower(a["type"])
	_, ticked := a["checked"]
	switch {
	case tag == "button" && (kind == "" || kind == "submit"), tag == "input" && kind == "submit":
		f.buttons = append(f.buttons, button{a["id"], a["name"], a["value"]})
	case tag == "button", a["name"] == "":
	case (kind == "checkbox" || kind == "radio") && !ticked:
		f.boxes = append(f.boxes, button{a["id"], a["name"], a["value"]})
	default:
		if kind == "password" && f.password == "" {
			f.password = a["name"]
		}
		if (kind == "" || kind == "text" || kind == "email") && f.username == "" {
			f.username = a["name"]
		}
		f.fields.Add(a["name"], a["value"])
	}
}

// fill answers what the form asks of a person: the password, or consent.
func (f *form) fill(user User, remember bool) error {
	if remember {
		for _, box := range f.boxes {
			if strings.Contains(strings.ToLower(box.name+box.id), "remember") {
				f.fields.Set(box.name, box.value)
			}
		}
	}
	if f.password != "" {
		if f.username != "" {
			f.fields.Set(f.username, user.Username)
		}
		f.fields.Set(f.password, user.Password)
		// Pressing Enter presses the first button.
		if len(f.buttons) > 0 && f.buttons[0].name != "" {
			f.fields.Set(f.buttons[0].name, f.buttons[0].value)
		}
		return nil
	}
	i := slices.IndexFunc(f.buttons, button.agrees)
	if i < 0 {
		return fmt.Errorf("a form that nobody knows, to %s", f.action)
	}
	if f.buttons[i].name != "" {
		f.fields.Set(f.buttons[i].name, f.buttons[i].value)
	}
	return nil
}

// agrees reports whether a button says yes.
func (b button) agrees() bool {
	for _, word := range []string{"accept", "allow", "yes", "approve", "continue", "confirm", "grant"} {
		if strings.EqualFold(b.id, word) || strings.EqualFold(b.value, word) {
			return true
		}
	}
	return false
}

// words is the beginning of what a page says, for an error.
func words(page []byte) string {
	const enough = 200
	var said []string
	z := html.NewTokenizer(bytes.NewReader(page))
	hidden := false
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		switch {
		case kind == html.StartTagToken:
			name, _ := z.TagName()
			hidden = string(name) == "style" || string(name) == "script"
		case kind == html.TextToken && !hidden:
			said = append(said, strings.Fields(string(z.Text()))...)
		}
	}
	text := strings.Join(said, " ")
	return text[:min(len(text), enough)]
}
