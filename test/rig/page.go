package rig

import (
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// page is a page as a browser without JavaScript processes it.
type page struct {
	ids     map[string]bool
	form    *form // the first one
	errorID string
	text    strings.Builder
}

// form is a form with the values of its fields, without buttons and boxes.
type form struct {
	action string
	fields url.Values
	hidden bool // all fields are hidden
}

func readPage(text string) (*page, error) {
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	p := &page{ids: map[string]bool{}}
	for node := range root.Descendants() {
		p.take(node)
	}
	return p, nil
}

func (p *page) take(node *html.Node) {
	if node.Type == html.TextNode && node.Parent.Data != "style" && node.Parent.Data != "title" {
		p.text.WriteString(node.Data + " ")
	}
	if node.Type != html.ElementNode {
		return
	}
	id := attribute(node, "id")
	if id != "" {
		p.ids[id] = true
	}
	if id == "fault" || id == "error" {
		p.errorID = id
	}
	switch node.Data {
	case "form":
		if p.form == nil {
			p.form = &form{action: attribute(node, "action"), fields: url.Values{}, hidden: true}
		}
	case "input":
		if kind := attribute(node, "type"); p.form != nil && kind != "hidden" && kind != "submit" {
			p.form.hidden = false
		}
		if name := attribute(node, "name"); name != "" && p.form != nil && attribute(node, "type") != "checkbox" {
			p.form.fields.Add(name, attribute(node, "value"))
		}
	}
}

func (p *page) has(id string) bool { return p.ids[id] }

// visibleText returns the text of the page.
func (p *page) visibleText() string { return strings.Join(strings.Fields(p.text.String()), " ") }

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
