package pages

import (
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// The pages of the administrators' console consist of a few parts: lists, forms, details of one
// object, a confirmation, and values that are shown once.

// Button is a button of a form. Its name and value are sent with the form.
type Button struct {
	ID, Name, Value string
	Text            messages.Message
	// About names the object of a button in a list, for screen readers.
	About string
	// Primary marks the main action of a page, Danger one that takes something away.
	Primary, Danger bool
}

// Input is a field of a form.
type Input struct {
	ID, Name, Value string
	Label, Hint     messages.Message
	Kind            InputKind
	Options         []Option // of a choice
	Required        bool
	UnderHeading    bool // the label repeats the heading above, for screen readers
	// Group is the heading above this and the following fields; BeginsGroup marks the first of them.
	Group           messages.Message
	BeginsGroup     bool
	MaxLength, Rows int // Rows is the height of several lines, by default 4
	Fault           messages.Message
}

// InputKind is the kind of an [Input].
type InputKind string

// Values of [InputKind]: a line of text, an email address, several lines, one of several values,
// a value that the user does not see, and a file. A form with a file is [FormPart.Multipart].
const (
	InputText   InputKind = "text"
	InputEmail  InputKind = "email"
	InputLines  InputKind = "lines"
	InputChoice InputKind = "choice"
	InputHidden InputKind = "hidden"
	InputFile   InputKind = "file"
)

// Option is a value of a choice. Literal is its text if there is no Text.
type Option struct {
	Value, Literal string
	Text           messages.Message
	Selected       bool
}

// FooterLink is a link at the end of the pages of an application.
type FooterLink struct {
	Text string `json:"text"`
	URI  string `json:"uri"`
}

// FormPart is a form. It is sent with POST to Action.
type FormPart struct {
	Action    string
	Inputs    []Input
	Button    Button
	Multipart bool // it is sent as multipart/form-data
}

// Fact is a member of an object. Empty values are not shown.
type Fact struct {
	ID    string
	Label messages.Message
	Value string
	Text  messages.Message // if there is no Value
	When  *When            // if there is neither
	// Copy shows the value in a field from which it is easily copied.
	Copy bool
}

// ListRow is an object in a list. URL shows it; LinkURL leads elsewhere; Post is the address of its buttons.
type ListRow struct {
	Class, Name, URL string
	Title            messages.Message // if there is no Name
	Details          []string
	Facts            []Fact
	When             *When
	Used             *When      // after When, which then is when the object was added; a zero time for never
	Until            *time.Time // the last day of the object
	Tag              messages.Message
	LinkURL          string
	LinkText         messages.Message
	Post             string
	Button           *Button
	Buttons          []Button // before Button
}

// Section is a part of the page of an object: a list, a form, or both.
type Section struct {
	ID            string
	Heading, Text messages.Message
	Rows          []ListRow
	Empty         messages.Message
	Links         []LinkButton
	Forms         []FormPart
	Danger        bool
}

// ConsoleList is a list of objects.
type ConsoleList struct {
	Heading, Lede messages.Message
	// Action is the address of the search form; without Search there is none.
	Action  string
	Search  *Input
	Links   []LinkButton
	Rows    []ListRow
	Empty   messages.Message
	MoreURL string
	// StartURL is the address of the first rows; empty on the first page.
	StartURL string
}

// LinkButton is a link that looks like a button.
type LinkButton struct {
	ID string
	Link

	Primary bool
}

func (ConsoleList) template() string { return "console-list" }

// ConsoleForm is a page with one form.
type ConsoleForm struct {
	Form
	FormPart

	Heading, Lede messages.Message
	CancelURL     string
}

func (ConsoleForm) template() string { return "console-form" }

// ConsoleDetail is the page of one object.
type ConsoleDetail struct {
	Form

	// Name is the name of the object, from another party.
	Name  string
	Tag   messages.Message
	Facts []Fact
	// Once has values that no other page shows again, and Warning is the text about them.
	Once    []Fact
	Warning messages.Message
	// Use is how an application is used; nil for another object.
	Use *ApplicationUse
	// Snippets are settings to paste into an application, and Notes remarks on them, in English.
	Snippets []Snippet
	Notes    []string
	Links    []LinkButton
	Sections []Section
}

// Snippet is a text to copy to a place, such as a file.
type Snippet struct{ Place, Format, Text string }

func (ConsoleDetail) template() string { return "console-detail" }

// ConsoleConfirm asks before something is taken away.
type ConsoleConfirm struct {
	FormPart

	Heading, Text messages.Message
	// Numbers says what the change ends; zero for nothing.
	Numbers   messages.Message
	CancelURL string
}

func (ConsoleConfirm) template() string { return "console-confirm" }
