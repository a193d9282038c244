package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/profile"
)

// memberPage is a page with some members of an application, in groups.
type memberPage struct {
	path   string // below that of the application
	title  string // the key of its title; .hint is that of the text below
	groups []memberGroup
}

// memberGroup is a part of a [memberPage]. heading is the key of its heading, which may be empty.
type memberGroup struct {
	heading string
	members []member
}

// memberPages returns the pages of the members of an application.
func memberPages() []memberPage {
	return []memberPage{lookPage(), lifespansPage(), advancedPage()}
}

// lookPage has what users see of the application.
func lookPage() memberPage {
	return memberPage{"/look", "console.look", []memberGroup{
		{"", []member{
			{name: "client_name", label: "console.connect.name"},
			{name: "logo_uri", label: "console.look.logo"},
			{name: "client_uri", label: "console.look.home"},
			{name: "policy_uri", label: "console.look.policy"},
			{name: "tos_uri", label: "console.look.terms"},
		}},
		{"console.look.pages", []member{
			{name: "theme.product_name", label: "console.look.product"},
			{name: "theme.logo_uri", label: "console.look.page-logo"},
			{name: "theme.logo_dark_uri", label: "console.look.page-logo-dark"},
			{name: "theme.favicon_uri", label: "console.look.favicon"},
			{name: "theme.accent_color", label: "console.look.accent"},
			{name: "theme.accent_color_dark", label: "console.look.accent-dark"},
			{name: "theme.footer_links", label: "console.look.links", kind: memberLinks},
			{name: "theme.support_address", label: "console.look.support"},
		}},
	}}
}

// lifespansPage has how long tokens of the application are valid.
func lifespansPage() memberPage {
	const access, id, refresh = "console.lifespans.access", "console.lifespans.id", "console.lifespans.refresh"
	group := func(heading, grant string, labels ...string) memberGroup {
		g := memberGroup{heading: heading}
		for _, label := range labels {
			token := map[string]string{access: "access_token", id: "id_token", refresh: "refresh_token"}[label]
			g.members = append(g.members, member{name: grant + "_grant_" + token + "_lifespan", label: label})
		}
		return g
	}
	return memberPage{"/lifespans", "console.lifespans", []memberGroup{
		group("console.lifespans.code", "authorization_code", access, id, refresh),
		group("console.lifespans.renewal", "refresh_token", access, id, refresh),
		group("console.lifespans.service", "client_credentials", access),
		group("console.lifespans.device", "device_authorization", access, id, refresh),
		group("console.lifespans.assertion", "jwt_bearer", access),
		group("console.lifespans.implicit", "implicit", access, id),
	}}
}

// advancedPage has all members under their names.
func advancedPage() memberPage {
	texts := func(names ...string) (list []member) {
		for _, name := range names {
			list = append(list, member{name: name})
		}
		return list
	}
	of := func(kind memberKind, names ...string) (list []member) {
		for _, name := range names {
			list = append(list, member{name: name, kind: kind})
		}
		return list
	}
	choice := func(name string, options ...string) []member { return []member{{name: name, options: options}} }
	return memberPage{"/advanced", "console.advanced", []memberGroup{
		{"console.advanced.about", slices.Concat(
			texts("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"), of(memberLines, "contacts"),
			texts("owner", "software_id", "software_version"), of(memberJSON, "metadata", "theme"),
		)},
		{"console.advanced.addresses", slices.Concat(
			choice("application_type", "web", "native"), of(memberLines, "redirect_uris", "post_logout_redirect_uris", "allowed_cors_origins", "request_uris"),
			texts("initiate_login_uri", "sector_identifier_uri"), of(memberFlag, "allow_http_redirects"),
		)},
		{"console.advanced.requests", slices.Concat(
			of(memberLines, "grant_types", "response_types"), texts("scope", "optional_scope"),
			of(memberLines, "audience", "served_resources", "authorization_details_types", "allowed_groups"), of(memberJSON, "token_exchange"), of(memberFlag, "require_pkce", "skip_consent", "require_signed_request_object", "require_pushed_authorization_requests"),
			texts("request_object_signing_alg"),
		)},
		{"console.advanced.backchannel", slices.Concat(
			choice("backchannel_token_delivery_mode", client.DeliveryModes()...), texts("backchannel_client_notification_endpoint", "backchannel_authentication_request_signing_alg"),
		)},
		{"console.advanced.authentication", slices.Concat(
			of(memberNumber, "default_max_age", "userinfo_max_age"), of(memberLines, "default_acr_values", "userinfo_acr_values"),
			of(memberFlag, "require_auth_time", "require_second_factor"),
		)},
		{"console.advanced.keys", slices.Concat(
			choice("security_profile", profileNames()...), choice("token_endpoint_auth_method", client.AuthMethods(client.AuthTLS, client.AuthSelfSignedTLS)...), texts("token_endpoint_auth_signing_alg", "jwks_uri"), of(memberJSON, "jwks"),
			texts("tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email"),
			of(memberFlag, "tls_client_certificate_bound_access_tokens", "dpop_bound_access_tokens", "require_dpop_nonce"),
		)},
		{"console.advanced.tokens", slices.Concat(
			choice("access_token_strategy", "jwt", "opaque"), choice("id_token_claims", client.IDTokenGranted, client.IDTokenMinimal),
			choice("subject_type", client.SubjectTypes()...), choice("subject_sector", client.SectorHost, client.SectorClient),
			texts("id_token_signed_response_alg", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
				"authorization_signed_response_alg", "authorization_encrypted_response_alg", "authorization_encrypted_response_enc",
				"introspection_signed_response_alg", "introspection_encrypted_response_alg", "introspection_encrypted_response_enc",
				"userinfo_signed_response_alg", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
		)},
		{"console.advanced.logout", slices.Concat(
			texts("frontchannel_logout_uri", "backchannel_logout_uri"),
			of(memberFlag, "frontchannel_logout_session_required", "backchannel_logout_session_required", "skip_logout_consent"),
		)},
	}}
}

// profileNames returns the security profiles of clients.
func profileNames() (names []string) {
	for _, p := range profile.Profiles() {
		names = append(names, string(p))
	}
	return names
}

// memberLinksOf returns the links to the pages of the members, for the page of the application.
func memberLinksOf(action string) (list []pages.LinkButton) {
	for _, p := range memberPages() {
		list = append(list, pages.LinkButton{ID: strings.TrimPrefix(p.path, "/"), Link: pages.Link{URL: action + p.path, Text: messages.New(p.title)}})
	}
	return append(list, pages.LinkButton{ID: "json", Link: pages.Link{URL: action + "/json", Text: messages.New("console.application.json")}})
}

// row returns the page for the table of the console.
func (p memberPage) row() page {
	return page{
		path: "/applications/{id}" + p.path, read: apikey.ClientsRead, write: apikey.ClientsWrite, sensitive: true, get: p.show, post: p.save,
	}
}

// show serves GET /console/applications/{id}/look, lifespans or advanced.
func (p memberPage) show(v *visit) error {
	current, err := p.read(v)
	if err != nil {
		return err
	}
	returned := v.returned()
	content, err := p.form(v, current, func(m member) string {
		if returned && v.r.Form.Has(m.name) {
			return v.r.Form.Get(m.name)
		}
		return m.text(current)
	})
	if err != nil {
		return err
	}
	return v.show(content)
}

// read returns the members of the page as the API has them.
func (p memberPage) read(v *visit) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if _, err := v.call(Call{Operation: "getOAuth2Client", Path: map[string]string{"id": v.pathValue("id")}}, &all); err != nil {
		return nil, err
	}
	current := map[string]json.RawMessage{}
	for _, m := range p.members() {
		if outer, _, _ := strings.Cut(m.name, "."); all[outer] != nil {
			current[outer] = all[outer]
		}
	}
	return current, nil
}

func (p memberPage) members() (list []member) {
	for _, g := range p.groups {
		list = append(list, g.members...)
	}
	return list
}

// form returns the page with a text for each member. before are the members as the page showed them.
func (p memberPage) form(v *visit, before map[string]json.RawMessage, text func(member) string) (pages.ConsoleForm, error) {
	known, err := json.Marshal(before)
	if err != nil {
		return pages.ConsoleForm{}, err
	}
	action := v.applicationURL(v.pathValue("id"))
	content := pages.ConsoleForm{
		Heading: messages.New(p.title), Lede: messages.New(p.title + ".hint"), CancelURL: action,
		FormPart: pages.FormPart{
			Action: action + p.path,
			Inputs: []pages.Input{{Name: "before", Value: string(known), Kind: pages.InputHidden}},
			Button: pages.Button{ID: "save", Text: messages.New("console.save"), Primary: true},
		},
	}
	for _, g := range p.groups {
		for i, m := range g.members {
			in := m.input(text(m))
			if g.heading != "" {
				in.Group, in.BeginsGroup = messages.New(g.heading), i == 0
			}
			content.Inputs = append(content.Inputs, in)
		}
	}
	if !v.holds(apikey.ClientsWrite) {
		content.Button = pages.Button{}
	}
	return content, nil
}

// save serves POST /console/applications/{id}/look, lifespans or advanced: before are the members as the page
// showed them, and each member is a text. Members that differ are changed, unless others changed them since.
//
// Spec: RFC 6902 §4.
func (p memberPage) save(v *visit) error {
	form := v.r.PostForm
	before, after := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal([]byte(form.Get("before")), &before) != nil || json.Unmarshal([]byte(form.Get("before")), &after) != nil {
		return errNotFound
	}
	for _, m := range p.members() {
		text := strings.ReplaceAll(form.Get(m.name), "\r\n", "\n")
		if text == m.text(before) {
			continue
		}
		value, err := m.parse(text)
		if err == nil {
			err = m.set(after, value)
		}
		if err != nil {
			return p.refuse(v, before, http.StatusBadRequest, pages.Fault{Field: m.id(), Text: messages.New("console.members.invalid", "member", m.name)})
		}
	}
	id := v.pathValue("id")
	if patch := difference(before, after); len(patch) > 0 {
		// A patch cannot test that a member is absent.
		current, err := p.read(v)
		if err != nil {
			return err
		}
		if len(difference(before, current)) > 0 {
			return p.conflict(v, before, current)
		}
		_, err = v.call(Call{Operation: "patchOAuth2Client", Path: map[string]string{"id": id}, Body: patch}, nil)
		if faults, ok := rejected(err); ok {
			return p.refuseChange(v, before, faults, err)
		}
		if err != nil {
			return err
		}
	}
	return v.done("/applications/"+id, messages.New("console.saved"))
}

// refuseChange shows the form with the error of the API, or with the current values if others changed them.
func (p memberPage) refuseChange(v *visit, before map[string]json.RawMessage, faults pages.Form, cause error) error {
	current, err := p.read(v)
	if err != nil {
		return err
	}
	if len(difference(before, current)) > 0 {
		return p.conflict(v, before, current)
	}
	fault := faults.Faults[0]
	if known, ok := errors.AsType[*httpapi.Error](cause); ok {
		for _, m := range p.members() {
			_, last, _ := strings.Cut("."+m.name, ".")
			if word, _, _ := strings.Cut(known.Description, " "); word == last || strings.Contains(known.Description, m.name+" ") {
				fault.Field = m.id()
			}
		}
	}
	return p.refuse(v, before, http.StatusBadRequest, fault)
}

// conflict shows the members that both the administrator and somebody else have changed. If they changed
// different ones, it makes the change.
func (p memberPage) conflict(v *visit, before, current map[string]json.RawMessage) error {
	known, err := json.Marshal(current)
	if err != nil {
		return err
	}
	form := url.Values{"before": {string(known)}}
	inputs := []pages.Input{{Name: "before", Value: string(known), Kind: pages.InputHidden}}
	var rows []pages.ConflictRow
	for _, m := range p.members() {
		seen, theirs, mine := sameLines(m.text(before)), sameLines(m.text(current)), sameLines(v.r.PostForm.Get(m.name))
		switch {
		case mine == seen:
			mine = theirs
		case theirs != seen && theirs != mine:
			rows = append(rows, pages.ConflictRow{Label: m.input("").Label, Theirs: lines(theirs), Mine: lines(mine)})
		}
		form.Set(m.name, mine)
		inputs = append(inputs, pages.Input{Name: m.name, Value: mine, Kind: pages.InputHidden})
	}
	if len(rows) == 0 {
		v.r.PostForm = form
		return p.save(v)
	}
	a, err := readApplication(v)
	if err != nil {
		return err
	}
	return showConflict(v, applicationEdit(a, p.path), rows, inputs, time.Time{})
}

// refuse shows the form with the entered values.
func (p memberPage) refuse(v *visit, before map[string]json.RawMessage, status int, fault pages.Fault) error {
	content, err := p.form(v, before, func(m member) string { return v.r.PostForm.Get(m.name) })
	if err != nil {
		return err
	}
	content.Faults = []pages.Fault{fault}
	for i := range content.Inputs {
		if content.Inputs[i].ID == fault.Field && fault.Field != "" {
			content.Inputs[i].Fault = fault.Text
		}
	}
	return v.refuse(status, content)
}
