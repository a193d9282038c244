package pages

import (
	"html/template"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// ago returns a time in words, with the full one for machines and on hover.
func ago(w When, catalogue *messages.Catalogue) template.HTML {
	at := w.At.UTC()
	return template.HTML(`<time datetime="`+at.Format(time.RFC3339)+`" title="`+at.Format("2006-01-02 15:04 -07:00")+`">`) + //nolint:gosec // both are numbers
		catalogue.HTML(elapsed(w.Now.Sub(w.At))) + "</time>"
}

const day = 24 * time.Hour

// elapsed returns how long ago something was, rounded down.
func elapsed(d time.Duration) messages.Message {
	switch {
	case d < time.Minute:
		return messages.New("time.now")
	case d < time.Hour:
		return messages.New("time.minutes-ago", "n", int(d/time.Minute))
	case d < day:
		return messages.New("time.hours-ago", "n", int(d/time.Hour))
	case d < 60*day:
		return messages.New("time.days-ago", "n", int(d/day))
	case d < 730*day:
		return messages.New("time.months-ago", "n", int(d/(30*day)))
	default:
		return messages.New("time.years-ago", "n", int(d/(365*day)))
	}
}
