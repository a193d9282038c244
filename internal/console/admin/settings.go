package admin

import (
	"strings"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Setting is a setting of the server. The value of a secret is a placeholder, and SecretLength its
// length in characters. The source is empty for a default.
type Setting struct {
	Name, Value, Source, Doc string
	SecretLength             int
}

// settings serves GET /console/settings: q is a part of a name or of a description.
func settings(v *visit) error {
	query := strings.ToLower(strings.TrimSpace(v.r.Form.Get("q")))
	content := pages.ConsoleList{
		Heading: messages.New("console.settings"), Lede: messages.New("console.settings.lede"), Action: v.console.Root + "/settings",
		Search: &pages.Input{ID: "search", Name: "q", Value: query, Label: messages.New("console.settings.name")}, Empty: messages.New("console.settings.none"),
	}
	for _, s := range v.console.Settings {
		if s.Doc = strings.ReplaceAll(s.Doc, "`", ""); !strings.Contains(s.Name+" "+strings.ToLower(s.Doc), query) {
			continue
		}
		row := pages.ListRow{Class: "setting", Name: s.Name, Tag: messages.New("console.settings.default")}
		switch s.Source {
		case "":
		case "environment":
			row.Tag = messages.New("console.settings.environment")
		default:
			row.Tag = messages.New("console.settings.source", "source", s.Source)
		}
		if s.SecretLength > 0 {
			s.Value = v.console.Text(v.r, messages.New("console.settings.secret", "n", s.SecretLength))
		}
		for _, text := range []string{s.Value, s.Doc} {
			if text != "" {
				row.Details = append(row.Details, text)
			}
		}
		content.Rows = append(content.Rows, row)
	}
	return v.show(content)
}
