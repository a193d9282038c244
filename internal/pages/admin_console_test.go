package pages

import (
	"math"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// adminConsoleSamples returns the pages of the administrators' console.
func adminConsoleSamples() []sample {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	when := When{At: now.Add(-3 * time.Hour), Now: now}
	page := func(name string, content func(text, link string) Page, ids ...string) sample {
		return sample{"console-" + name, func(p *Pages, w http.ResponseWriter, text, link string) {
			r := WithFrame(request(), Frame{HomeURL: link, SignOutURL: link, User: text, Status: text, Menu: []MenuGroup{
				{{Link: Link{link, messages.Literal(text)}, Current: true}}, {{Link: Link{link, messages.Literal(text)}}},
			}})
			p.Show(w, r, http.StatusOK, content(text, link))
		}, append([]string{"content", "sign-out", "status"}, ids...)}
	}
	change := func(text string) ChangeRow {
		return ChangeRow{Action: text, Target: text, Detail: text, Actor: text, Address: text, RequestID: text, Outcome: messages.Literal(text), Failed: true, At: when}
	}
	alone := func(name string, content func(text, link string) Page, ids ...string) sample {
		return sample{name, func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, content(text, link))
		}, ids}
	}
	return []sample{
		alone("notsignedin", func(_, link string) Page {
			return ConsoleNotSignedIn{Reason: SecondFactorMissing, URL: link, AccountURL: link}
		}, "account", "again"),
		alone("continue", func(_, link string) Page { return ConsoleContinue{URL: link} }, "continue"),
		page("overview", func(text, link string) Page {
			growth := -3
			plot := &Plot{ID: "plot", Title: messages.Literal(text), Summary: messages.Literal(text), Times: []time.Time{now, now}, Milliseconds: true, Lines: []PlotLine{
				{messages.Literal(text), []float64{1, math.NaN()}}, {messages.Literal(text), []float64{1, 2}},
			}}
			return ConsoleOverview{
				Version: text, Role: messages.Literal(text), ConnectURL: link, MayAudit: true, AuditURL: link, Growth: &growth, SignInsPlot: plot,
				Keys: []KeyFact{{text, when, now, true, false}, {text, when, now, false, true}}, CertificateEnds: &now,
				Windows: []MenuItem{{Link: Link{link, messages.Literal(text)}, Current: true}}, Replicas: []ReplicaRow{{text, 1}, {"", 2}},
				RefusedPlot: &Bars{
					ID: "plot-refused", Title: messages.Literal(text), Summary: messages.Literal(text), NameOf: messages.Literal(text), CountOf: messages.Literal(text),
					Rows: []Bar{{text, link, 3}},
				},
				Needs: []Need{{messages.New("console.needs.refusals", "n", 2, "rule", Isolate(text)), Link{link, messages.Literal(text)}}}, Changes: []ChangeRow{change(text)},
			}
		}, "windows", "needs", "sign-ins", "refused", "plot", "plot-refused"),
		page("audit", func(text, link string) Page {
			return ConsoleAudit{
				Form: Form{[]Fault{{"since", messages.Literal(text)}}}, Action: link, ByAction: text, ByActor: text, ByTarget: text, Since: "2026-11-30",
				Changes: []ChangeRow{change(text)}, Live: true, OlderURL: link, NewerURL: link, LookURL: link, FileURL: link, JSONURL: link, ClearURL: link,
			}
		}, "action", "actor", "target", "since", "until", "show", "look-again", "live", "file", "json", "newer", "older"),
		page("explain", func(text, link string) Page {
			return ConsoleExplain{
				Form: Form{[]Fault{{"request-id", messages.Literal(text)}}}, Action: link, RequestID: text, OlderURL: link,
				Found:  explanationSample(text, link, when),
				Latest: []RejectedRow{{text, text, link, when}},
			}
		}, "request-id", "explain", "explanation", "fix", "allow", "open-application", "open-user", "as-text"),
		page("trial", func(text, link string) Page {
			values := []ComparedValue{{Name: text, Text: text}, {Name: text, Label: messages.Literal(text)}}
			claims := []TrialClaim{{Name: text, Value: text, Scopes: []string{text, text}}, {Name: text, Value: text, Protocol: true}, {Name: text, Value: text, Added: true}}
			return ConsoleTrial{
				Name: text, URL: link, Action: link, Impossible: messages.Literal(text), Result: messages.Literal(text),
				Steps:   []TrialStep{{ID: "authorize", Name: messages.Literal(text), Text: messages.Literal(text), Passed: true}, {ID: "token", Name: messages.Literal(text), Detail: text, Failed: true}, {ID: "userinfo", Name: messages.Literal(text)}},
				Request: values, Response: values, IDToken: claims, Protection: messages.Literal(text), Userinfo: claims,
				Scopes: []TrialScope{{text, true, []string{text, text}}, {text, true, nil}, {text, false, nil}}, NotRequested: []string{text, text},
				Failure: explanationSample(text, link, when),
			}
		}, "impossible", "result", "steps", "step-authorize", "step-token", "step-userinfo", "explanation", "request", "response", "id-token", "userinfo", "scopes", "not-requested", "try", "application"),
		page("sessions", func(text, link string) Page {
			origin := session.Origin{Browser: text, System: text, Network: text}
			return ConsoleSessions{Action: link, Subject: text, OlderURL: link, NewestURL: link, MayEnd: true, Sessions: []UserSessionRow{
				{text, text, text, text, origin, when, when, false}, {text, text, text, text, origin, when, when, true},
			}}
		}, "subject", "show"),
		page("list", func(text, link string) Page {
			return ConsoleList{
				Heading: messages.Literal(text), Lede: messages.Literal(text), Action: link,
				Search: &Input{ID: "search", Name: "q", Value: text, Label: messages.Literal(text)}, Links: linkButtons(text, link), Rows: listRows(text, link),
				MoreURL: link, StartURL: link,
			}
		}, "search", "show", "more", "new"),
		page("form", func(text, link string) Page {
			return ConsoleForm{
				Form: Form{[]Fault{{"text", messages.Literal(text)}}}, FormPart: formPart(text, link),
				Heading: messages.Literal(text), Lede: messages.Literal(text), CancelURL: link,
			}
		}, "text", "lines", "choice", "save", "cancel"),
		page("detail", func(text, link string) Page {
			return ConsoleDetail{
				Name: text, Tag: messages.Literal(text), Warning: messages.Literal(text), Links: linkButtons(text, link), Snippets: []Snippet{{text, text, text}}, Notes: []string{text},
				Facts: []Fact{
					{ID: "copied", Label: messages.Literal(text), Value: text, Copy: true},
					{ID: "value", Label: messages.Literal(text), Value: text},
					{Label: messages.Literal(text), Text: messages.Literal(text)},
					{Label: messages.Literal(text), When: &when},
				},
				Use: &ApplicationUse{URL: link, Refused: &RefusedUse{
					Rule: text, URI: text, WhyURL: link, At: when, Allow: &FormPart{Action: link, Button: Button{ID: "allow", Text: messages.Literal(text)}},
				}},
				Once: []Fact{{ID: "secret", Label: messages.Literal(text), Value: text, Copy: true}},
				Sections: []Section{
					{ID: "section", Heading: messages.Literal(text), Text: messages.Literal(text), Rows: listRows(text, link), Links: linkButtons(text, link)[1:], Forms: []FormPart{formPart(text, link)}},
					{Heading: messages.Literal(text), Empty: messages.Literal(text), Danger: true},
				},
			}
		}, "secret", "copied", "value", "section", "use", "look-again", "refused", "allow"),
		page("applications", func(text, link string) Page {
			return ConsoleApplications{
				Action: link, Search: text, NewURL: link, OlderURL: link, NewerURL: link, Only: []Option{{Value: text, Text: messages.Literal(text), Selected: true}},
				Rows: []ConnectedApplication{
					{text, link, messages.Literal(text), []string{text, text}, &when, messages.Literal(text), link, true},
					{text, link, messages.Literal(text), nil, nil, messages.Literal(text), "", false},
				},
			}
		}, "new", "search", "only", "show", "older", "newer"),
		page("connect", func(text, link string) Page {
			form := formPart(text, link)
			form.Inputs = append(form.Inputs, Input{ID: "redirect-uri", Name: "redirect_uri", Value: text, Label: messages.Literal(text), Kind: InputLines})
			return ConsoleConnect{ConsoleForm{FormPart: form, Heading: messages.Literal(text), Lede: messages.Literal(text), CancelURL: link}, text}
		}, "checks", "redirect-uri", "redirect-uri-check", "cancel"),
		page("conflict", func(text, link string) Page {
			return ConsoleConflict{
				FormPart: FormPart{Action: link, Inputs: []Input{{Name: "one", Value: text, Kind: InputHidden}}, Button: Button{ID: "keep", Text: messages.Literal(text), Primary: true}},
				Name:     text, Who: text, At: when, TakeURL: link,
				Rows: []ConflictRow{{messages.Literal(text), []string{text, text}, nil}, {messages.Literal(text), nil, []string{text}}},
			}
		}, "who", "keep", "take"),
		page("invitations", func(text, link string) Page {
			return ConsoleInvitations{
				Heading: messages.Literal(text), Lede: messages.Literal(text), Warning: messages.Literal(text), BackURL: link,
				Download: &FormPart{Action: link, Inputs: []Input{{Name: "report", Value: text, Kind: InputHidden}}, Button: Button{ID: "download", Text: messages.Literal(text)}},
				Form:     &FormPart{Action: link, Inputs: []Input{{Name: "list", Value: text, Kind: InputHidden}}, Button: Button{ID: "confirm", Text: messages.Literal(text), Primary: true}},
				Rows:     []InvitationRow{{3, text, "", []string{text}, messages.Literal(text), true}, {4, text, text, nil, messages.Literal(text), false}},
			}
		}, "download", "confirm", "cancel"),
		page("confirm", func(text, link string) Page {
			return ConsoleConfirm{
				FormPart: FormPart{Action: link, Inputs: []Input{{Name: "one", Value: text, Kind: InputHidden}}, Button: Button{ID: "confirm", Text: messages.Literal(text), Danger: true}},
				Heading:  messages.Literal(text), Text: messages.Literal(text), Numbers: messages.Literal(text), CancelURL: link,
			}
		}, "confirm", "cancel"),
		page("mail", func(text, link string) Page {
			return ConsoleDeliveries{Action: link, AllURL: link, Lists: []DeliveryList{
				{ID: "mails-failed", Heading: messages.Literal(text), MayRetry: true, RetryAll: true, MoreURL: link, Rows: []DeliveryRow{{text, text, text, text, 2, when}}},
				{ID: "notices-failed", Heading: messages.Literal(text), Empty: messages.Literal(text)},
			}}
		}, "mails-failed", "mails-failed-all", "mails-failed-more"),
		page("keys", func(text, link string) Page {
			return ConsoleKeys{Action: link, MayRotate: true, Rotation: messages.Literal(text), Lines: []KeyLine{
				{text, []KeyRow{{text, text, messages.Literal(text), []messages.Message{messages.Literal(text), messages.Literal(text)}, true}}},
			}}
		}, "rotate", "rotation", "withdraw"),
	}
}

func explanationSample(text, link string, when When) *Explanation {
	return &Explanation{
		Rule: text, Cause: text, Request: text, Response: text, Endpoint: text, Client: text, Network: text, At: when,
		Checks: []CheckRow{{Name: text, Spec: text, Passed: true}, {Name: text, Failed: true}, {Name: text}},
		Values: []ComparedValue{{Name: text, Text: text}, {Name: text, Text: text, Label: messages.Literal(text)}}, Differs: messages.Literal(text),
		Meaning: text, Fix: text, ClientURL: link, UserURL: link, Text: text,
		Allow: &FormPart{Action: link, Inputs: []Input{{Name: "uri", Value: text, Kind: InputHidden}}, Button: Button{ID: "allow", Text: messages.Literal(text)}},
	}
}

func linkButtons(text, link string) []LinkButton {
	return []LinkButton{{"new", Link{link, messages.Literal(text)}, true}, {"", Link{link, messages.Literal(text)}, false}}
}

func listRows(text, link string) []ListRow {
	when := When{At: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	never := When{Now: when.Now}
	return []ListRow{
		{Class: "one", Name: text, URL: link, Details: []string{text, text}, When: &when, Tag: messages.Literal(text)},
		{
			Title: messages.Literal(text), When: &when, Used: &never, Until: &when.At, Post: link,
			Buttons: []Button{{Name: "one", Value: text, Text: messages.Literal(text), About: text}, {Name: "two", Value: text, Text: messages.Literal(text), About: text}},
		},
		{Class: "session", Name: text, When: &when, Used: &when},
		{Name: text, Post: link, Button: &Button{Name: "remove", Value: text, Text: messages.Literal(text), About: text}},
	}
}

func formPart(text, link string) FormPart {
	label := messages.Literal(text)
	return FormPart{
		Action: link, Button: Button{ID: "save", Name: "save", Value: text, Text: label},
		Inputs: []Input{
			{ID: "text", Name: "text", Value: text, Label: label, Hint: label, Kind: InputText, Required: true, MaxLength: 50, Fault: label},
			{ID: "lines", Name: "lines", Value: text, Label: label, Kind: InputLines},
			{ID: "choice", Name: "choice", Label: label, Kind: InputChoice, Options: []Option{{Value: text, Literal: text}, {Value: text, Text: label, Selected: true}}},
			{ID: "file", Name: "file", Label: label, Hint: label, Kind: InputFile},
			{Name: "hidden", Value: text, Kind: InputHidden},
		},
	}
}
