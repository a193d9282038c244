package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/preset"
)

// connectForm is the form of a new application, with the values that were sent.
func connectForm(v *visit) (pages.ConsoleConnect, error) {
	form := v.r.Form
	presets := pages.Input{ID: "preset", Name: "preset", Label: messages.New("console.connect.preset"), Hint: messages.New("console.connect.preset.hint"), Kind: pages.InputChoice, Options: []pages.Option{
		{Text: messages.New("console.connect.no-preset"), Selected: form.Get("preset") == ""},
	}}
	all, err := preset.List()
	if err != nil {
		return pages.ConsoleConnect{}, err
	}
	checked := map[string]presetURIs{}
	for _, p := range all {
		checked[p.ID] = urisOf(p)
		if p.Kind != preset.KindType {
			presets.Options = append(presets.Options, pages.Option{Value: p.ID, Literal: p.Name, Selected: form.Get("preset") == p.ID})
		}
	}
	types := pages.Input{ID: "kind", Name: "kind", Label: messages.New("console.connect.kind"), Kind: pages.InputChoice}
	for _, k := range kinds() {
		types.Options = append(types.Options, pages.Option{Value: k.id, Text: messages.New(k.name), Selected: form.Get("kind") == k.id})
	}
	known, err := json.Marshal(checked)
	if err != nil {
		return pages.ConsoleConnect{}, fmt.Errorf("encode presets: %w", err)
	}
	return pages.ConsoleConnect{Presets: string(known), ConsoleForm: pages.ConsoleForm{
		Heading: messages.New("console.connect"), Lede: messages.New("console.connect.lede"), CancelURL: v.console.Root + "/applications",
		FormPart: pages.FormPart{
			Action: v.console.Root + "/applications/new",
			Inputs: []pages.Input{
				presets, types,
				{ID: "name", Name: "name", Value: form.Get("name"), Label: messages.New("console.connect.name"), Kind: pages.InputText, MaxLength: 200},
				{ID: "redirect-uri", Name: "redirect_uri", Value: form.Get("redirect_uri"), Label: messages.New("console.connect.redirect-uri"), Hint: messages.New("console.connect.redirect-uri.hint"), Kind: pages.InputLines},
				{ID: "allowed-groups", Name: "allowed_groups", Value: form.Get("allowed_groups"), Label: messages.New("console.application.groups"), Hint: messages.New("console.application.groups.hint"), Kind: pages.InputLines},
			},
			Button: pages.Button{ID: "create", Text: messages.New("console.connect.create"), Primary: true},
		},
	}}, nil
}

// presetURIs is what the script of the form knows of a preset. Without patterns it has no address.
type presetURIs struct {
	Name     string   `json:"name"`
	Patterns []string `json:"patterns"`
	Origin   bool     `json:"origin"`
}

func urisOf(p *preset.Preset) presetURIs {
	uris := presetURIs{Name: p.Name, Origin: p.Address == preset.AddressOrigin}
	if p.Address != preset.AddressNone {
		uris.Patterns = append([]string{}, p.Client.RedirectURIs...)
	}
	return uris
}

// connect serves GET /console/applications/new.
func connect(v *visit) error {
	content, err := connectForm(v)
	if err != nil {
		return err
	}
	return v.show(content)
}

// createApplication serves POST /console/applications/new: preset or kind, name, redirect_uri (for a
// preset the address of the application) and allowed_groups. Its response shows the secret and the
// settings to paste, once.
func createApplication(v *visit) error {
	connection, fault, err := newConnection(v)
	if err != nil {
		return err
	}
	if !fault.IsZero() {
		return refuseConnection(v, http.StatusBadRequest, pages.Form{Faults: []pages.Fault{{Field: "redirect-uri", Text: fault}}})
	}
	registered, err := register(v, connection)
	if faults, ok := rejected(err); ok {
		return refuseConnection(v, http.StatusBadRequest, faults)
	}
	if err != nil {
		return err
	}
	settings, err := connection.Settings(v.console.PresetServer, *registered)
	if err != nil {
		return err
	}
	content := applicationPage(v, &application{
		ID: registered.ID, Secret: registered.Secret, Name: connection.Client.ClientName, Type: connection.Client.ApplicationType,
		RedirectURIs: connection.Client.RedirectURIs, GrantTypes: connection.Client.GrantTypes, Scope: connection.Client.Scope,
		AuthMethod: connection.Client.TokenEndpointAuthMethod, AllowedGroups: connection.Client.AllowedGroups,
	})
	for _, s := range settings {
		content.Snippets = append(content.Snippets, pages.Snippet{Place: s.Place, Format: s.Format, Text: s.Text})
	}
	content.Notes = append(slices.Clone(connection.Warnings), connection.Preset.Notes...)
	content.Use = &pages.ApplicationUse{URL: v.applicationURL(registered.ID)}
	return v.show(content)
}

// refuseConnection shows the form with errors.
func refuseConnection(v *visit, status int, faults pages.Form) error {
	content, err := connectForm(v)
	if err != nil {
		return err
	}
	content.Form = faults
	for i := range content.Inputs {
		content.Inputs[i].Fault = faults.Fault(content.Inputs[i].ID)
	}
	return v.refuse(status, content)
}

// newConnection returns the connection that the form describes, or the error of its address.
func newConnection(v *visit) (c *preset.Connection, fault messages.Message, err error) {
	form := v.r.PostForm
	id, redirects := form.Get("preset"), lines(form.Get("redirect_uri"))
	isType := id == ""
	if isType {
		id = kinds()[max(slices.IndexFunc(kinds(), func(k kind) bool { return k.id == form.Get("kind") }), 0)].id
	}
	p, err := preset.Find(id)
	if err != nil {
		return nil, fault, errNotFound
	}
	app := preset.Application{}
	switch {
	case p.Address == preset.AddressNone:
	case len(redirects) == 0:
		return nil, messages.New("console.connect.redirect-uri.missing"), nil
	case isType && len(p.Client.RedirectURIs) > 0:
		app.URL = p.Example // the form has the redirect URIs themselves
	default:
		app.URL = appOf(p, redirects[0])
	}
	if c, err = p.Resolve(app); err != nil {
		return nil, messages.New("console.rejected", "text", err.Error()), nil
	}
	if isType && len(redirects) > 0 && len(c.Client.RedirectURIs) > 0 {
		c.Client.RedirectURIs, c.Client.PostLogoutRedirectURIs = redirects, nil
	}
	if name := strings.TrimSpace(form.Get("name")); name != "" {
		c.Client.ClientName = name
	}
	c.Client.AllowedGroups = lines(form.Get("allowed_groups"))
	return c, fault, nil
}

// appOf returns the address of the application whose address or redirect URI is given.
func appOf(p *preset.Preset, uri string) string {
	for _, pattern := range p.Client.RedirectURIs {
		path := strings.NewReplacer("{app}", "", "{provider}", preset.DefaultProvider).Replace(pattern)
		if app, isRedirect := strings.CutSuffix(uri, path); isRedirect && path != "" && strings.Contains(app, "://") {
			return app
		}
	}
	return uri
}

// register registers the clients of a connection.
func register(v *visit, c *preset.Connection) (*preset.Registered, error) {
	registered := &preset.Registered{Metadata: c.Client}
	if c.Second != nil {
		second, err := createClient(v, c.Preset.NewClientID(), c.Second)
		if err != nil {
			return nil, err
		}
		registered.SecondID = second.ID
	}
	created, err := createClient(v, c.Preset.NewClientID(), &c.Client)
	if err != nil {
		if c.Second != nil {
			_, undo := v.call(Call{Operation: "deleteOAuth2Client", Path: map[string]string{"id": registered.SecondID}}, nil)
			return nil, errors.Join(err, undo)
		}
		return nil, err
	}
	registered.ID, registered.Secret = created.ID, created.Secret
	return registered, nil
}

// createClient creates a client. A secret has only letters and digits, since some applications send
// others unencoded.
func createClient(v *visit, id string, m *client.Metadata) (*application, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode client: %w", err)
	}
	members := map[string]any{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("encode client: %w", err)
	}
	members["client_id"] = id
	if slices.Contains([]string{client.AuthBasic, client.AuthPost}, m.TokenEndpointAuthMethod) {
		members["client_secret"] = client.NewAlphanumericSecret()
	}
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
	var created application
	_, err = v.call(Call{Operation: "createOAuth2Client", Body: members}, &created)
	return &created, err
}
