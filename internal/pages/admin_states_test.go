package pages

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// adminConsoleStates returns the pages of the administrators' console again: without rows, without
// errors, and for a role that only reads.
func adminConsoleStates() []sample {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	when := When{At: now.Add(-3 * time.Hour), Now: now}
	state := func(name string, content func(text, link string) Page) sample {
		return sample{page: name, write: func(p *Pages, w http.ResponseWriter, text, link string) {
			r := request()
			if policies()[content(text, link).template()].layout != "" {
				r = WithFrame(r, Frame{HomeURL: link, SignOutURL: link, User: text})
			}
			p.Show(w, r, http.StatusOK, content(text, link))
		}}
	}
	return []sample{
		state("notsignedin-interrupted", func(_, link string) Page { return ConsoleNotSignedIn{Reason: SignInInterrupted, URL: link} }),
		state("console-overview-first", func(text, link string) Page {
			return ConsoleOverview{Version: text, Role: messages.New("console.role.owner"), ConnectURL: link}
		}),
		state("console-audit-none", func(_, link string) Page { return ConsoleAudit{Action: link} }),
		state("console-audit-no-match", func(text, link string) Page { return ConsoleAudit{Action: link, ByActor: text, ClearURL: link} }),
		state("console-explain-none", func(_, link string) Page { return ConsoleExplain{Action: link} }),
		state("console-explain-not-found", func(text, link string) Page {
			return ConsoleExplain{Action: link, RequestID: text, Form: Form{[]Fault{{"request-id", messages.New("console.explain.not-found")}}}}
		}),
		state("console-explain-less-granted", func(text, link string) Page {
			e := explanationSample(text, link, when)
			e.Succeeded, e.Allow, e.Checks = true, nil, nil
			return ConsoleExplain{Action: link, RequestID: text, Found: e}
		}),
		state("console-sessions-none", func(_, link string) Page { return ConsoleSessions{Action: link} }),
		state("console-list-none", func(text, link string) Page {
			return ConsoleList{Heading: messages.Literal(text), Empty: messages.New("console.groups.none"), Links: linkButtons(text, link)}
		}),
		state("console-form-read", func(text, link string) Page {
			part := formPart(text, link)
			part.Button, part.Inputs[0].Fault = Button{}, messages.Message{}
			return ConsoleForm{FormPart: part, Heading: messages.Literal(text), CancelURL: link}
		}),
		state("console-detail-read", func(text, _ string) Page {
			return ConsoleDetail{Name: text, Facts: []Fact{{Label: messages.New("console.person.username"), Value: text}}}
		}),
		state("console-keys-read", func(text, link string) Page {
			return ConsoleKeys{Action: link, Lines: []KeyLine{{text, []KeyRow{{ID: text, Algorithm: text, State: messages.Literal(text)}}}}}
		}),
	}
}
