package admin

import (
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// confirmed reports whether the user has confirmed the change, on the page of [confirmation].
func confirmed(v *visit) bool { return v.r.PostForm.Get("confirm") == "yes" }

// confirmation is the page that asks before a change. Its form posts the fields and confirm (yes) to
// action.
func confirmation(action, cancel string, heading, text, button messages.Message, fields ...pages.Input) pages.ConsoleConfirm {
	for i := range fields {
		fields[i].Kind = pages.InputHidden
	}
	return pages.ConsoleConfirm{
		Heading: heading, Text: text, CancelURL: cancel,
		FormPart: pages.FormPart{Action: action, Inputs: fields, Button: pages.Button{ID: "confirm", Name: "confirm", Value: "yes", Text: button, Danger: true}},
	}
}

// deleteNamed serves the form of a list below path whose field delete is the name of an object. It
// asks before it calls the operation. The last arguments are the keys of its messages.
func deleteNamed(v *visit, path, operation, question, text, deleted string) error {
	name, list := v.r.PostForm.Get("delete"), v.console.Root+path
	if !confirmed(v) {
		return v.show(confirmation(list, list, messages.New(question, "name", name), messages.New(text), messages.New("console.delete"),
			pages.Input{Name: "delete", Value: name}))
	}
	if _, err := v.call(Call{Operation: operation, Path: map[string]string{"name": name}}, nil); err != nil {
		return err
	}
	return v.done(path, messages.New(deleted, "name", name))
}
