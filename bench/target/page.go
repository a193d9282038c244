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

// form is a form of a page, as a browser without JavaScript submits it.
type form struct {
	action  string
	fields  url.Values // hidden fields, text fields and ticked boxes
	buttons []button
	boxes   []button // unticked ones

	username string // name of the field
	password string // name of the field
}

// button is a submit button, or a box that adds a value when it is ticked.
type button struct{ id, name, value string }

// readForm returns the first form of a page with the method POST.
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
		return nil, errors.New("the page has no form: " + pageText(page))
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

// fill fills in username and password, or chooses the button to consent.
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
		return fmt.Errorf("unknown form with action %q", f.action)
	}
	if f.buttons[i].name != "" {
		f.fields.Set(f.buttons[i].name, f.buttons[i].value)
	}
	return nil
}

// agrees reports whether the button means consent.
func (b button) agrees() bool {
	for _, word := range []string{"accept", "allow", "yes", "approve", "continue", "confirm", "grant"} {
		if strings.EqualFold(b.id, word) || strings.EqualFold(b.value, word) {
			return true
		}
	}
	return false
}

// pageText returns the first 200 bytes of the visible text of a page.
func pageText(page []byte) string {
	const maxBytes = 200
	var words []string
	z := html.NewTokenizer(bytes.NewReader(page))
	hidden := false
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		switch {
		case kind == html.StartTagToken:
			name, _ := z.TagName()
			hidden = string(name) == "style" || string(name) == "script"
		case kind == html.TextToken && !hidden:
			words = append(words, strings.Fields(string(z.Text()))...)
		}
	}
	text := strings.Join(words, " ")
	return text[:min(len(text), maxBytes)]
}
