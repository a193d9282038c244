package pages

import (
	"html/template"
	"time"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// functions returns the functions of the templates, for one language. Text from other
// parties passes through host, label, line or name, and a link through logo, target or web.
func functions(files *assets, catalogue *messages.Catalogue, offered []messages.Language) template.FuncMap {
	languages := chooserButtons(offered, catalogue.Language)
	return template.FuncMap{
		"asset":     files.url,
		"integrity": integrity,
		"base":      func() string { return files.base },
		"language":  func() messages.Language { return catalogue.Language },
		"languages": func() template.HTML { return languages },

		// t returns the message with a key and pairs of argument name and value.
		"t": func(key string, args ...any) template.HTML { return catalogue.HTML(messages.New(key, args...)) },
		// msg returns a message that a handler chose, as text.
		"msg": func(m messages.Message) string { return cleanMessage(catalogue.Isolated(m)) },
		// status is a message in the language of the page, as text.
		"status": cleanMessage,
		// markup returns a message as markup: its arguments may have some.
		"markup": catalogue.HTML,
		"filled": func(m messages.Message) bool { return !m.IsZero() },
		// errorTitle marks the title of a page that shows an error, if failed is not zero. The title
		// is text or markup.
		"errorTitle": func(failed, heading any) template.HTML {
			title, isMarkup := heading.(template.HTML)
			if text, isText := heading.(string); !isMarkup && isText {
				title = element("", text, "")
			}
			if truth, _ := template.IsTrue(failed); !truth {
				return title
			}
			return catalogue.HTML(messages.New("error.title-prefix", "title", title))
		},
		"duration": messages.Duration,
		"account":  func() string { return files.accountURL },
		"date":     func(t time.Time) template.HTML { return date(t, catalogue) },
		"ago":      func(w When) template.HTML { return ago(w, catalogue) },
		"device":   func(o session.Origin) template.HTML { return catalogue.HTML(device(o)) },

		"bdi":      func(s string) template.HTML { return element("<bdi>", s, "</bdi>") },
		"strong":   func(s string) template.HTML { return element("<strong><bdi>", s, "</bdi></strong>") },
		"outside":  outside,
		"hostname": func(s string) template.HTML { return element(`<bdi class="host">`, Clean(s, hostRunes), "</bdi>") },
		"user":     user,

		"host":      func(s string) string { return Clean(s, hostRunes) },
		"hostOf":    hostOf,
		"initial":   func(c Client) string { return initial(label(c, catalogue)) },
		"label":     func(c Client) string { return label(c, catalogue) },
		"localized": func(c Client) Client { return c.in(catalogue.Tag) },
		"line":      func(s string) string { return Clean(s, lineRunes) },
		"logo":      logoLink,
		"name":      func(s string) string { return Clean(s, nameRunes) },
		"qr":        func(u template.URL, label template.HTML) template.HTML { return qrCode(string(u), label) },
		"target":    target,
		"web":       webLink,

		// scopeField is the name of the checkbox of an optional scope.
		"scopeField": ScopeField,
		// detailField is the name of the checkbox of a detail.
		"detailField": DetailField,
		// worded returns the words for a detail in the language of the page, or in another one.
		"worded": func(d Detail) detail.Words { return detail.InLanguage(d.Words, catalogue.Tag) },
		// detailLine is the sentence for a detail. The values are of the client.
		"detailLine": detailLine,
	}
}

// detailLine returns the sentence for a detail, in which the values of the client stand out and keep to
// themselves.
func detailLine(w detail.Words) (line template.HTML) {
	for _, part := range w.Parts {
		if part.Value {
			line += element("<strong><bdi>", part.Text, "</bdi></strong>")
		} else {
			line += element("", part.Text, "")
		}
	}
	return line
}

// date returns the day of t in UTC, in words.
func date(t time.Time, catalogue *messages.Catalogue) template.HTML {
	t = t.UTC()
	months := [...]string{
		"date.month-1", "date.month-2", "date.month-3", "date.month-4", "date.month-5", "date.month-6",
		"date.month-7", "date.month-8", "date.month-9", "date.month-10", "date.month-11", "date.month-12",
	}
	month := messages.New(months[t.Month()-1])
	return template.HTML(`<time datetime="`+t.Format(time.RFC3339)+`">`) + //nolint:gosec // a number
		catalogue.HTML(messages.New("date", "n", t.Day(), "month", month, "year", t.Year())) + "</time>"
}

// element returns text, escaped, between the given tags.
func element(open, text, end string) template.HTML {
	return template.HTML(open + template.HTMLEscapeString(text) + end) //nolint:gosec // the text is escaped
}

// device returns the browser and the system of a session in words.
func device(o session.Origin) messages.Message {
	return messages.Device(Clean(o.Browser, nameRunes), Clean(o.System, nameRunes))
}

// DeviceName returns the browser and the system of a device in words.
func DeviceName(o session.Origin) messages.Message { return device(o) }

// user returns the display name of a user, and the username if it differs.
func user(displayName, username string) template.HTML {
	shown := Clean(displayName, nameRunes)
	if shown == "" {
		return element("<strong><bdi>", Clean(username, nameRunes), "</bdi></strong>")
	}
	markup := element("<strong><bdi>", shown, "</bdi></strong>")
	if other := Clean(username, nameRunes); other != "" && displayName != username {
		markup += " " + element(`<bdi class="muted">`, other, "</bdi>")
	}
	return markup
}
