package hydraimport

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
)

// Adapted is the result of converting a client of Hydra.
type Adapted struct {
	Client *client.Client // nil if the client cannot be imported
	Secret string         // the secret, if the file contains it
	// Secretless is true if the client needs a secret that cannot be imported.
	Secretless bool
	// Refused is the reason if there is no client. Notes lists the changes.
	Refused string
	Notes   []string
}

// Adapt converts a client of Hydra, under the rules for clients of the operator. It omits
// without a note what Hydra never allowed, and notes everything else that it omits.
func Adapt(c Client, p client.Policy, now time.Time) Adapted {
	a := &adapter{policy: p, members: maps.Clone(c.Members)}
	a.policy.SelfRegistered, a.policy.DefaultScopes = false, nil // no default scopes
	if a.members == nil {
		a.members = map[string]json.RawMessage{}
	}
	if err := client.CheckID(c.ID); err != nil {
		return Adapted{Refused: err.Error()}
	}
	a.authentication()
	a.scopes()
	if refused := a.grants(); refused != "" {
		return Adapted{Refused: refused, Notes: a.notes}
	}
	if refused := a.redirects(); refused != "" {
		return Adapted{Refused: refused, Notes: a.notes}
	}
	m, refused := a.metadata()
	if refused != "" {
		return Adapted{Refused: refused, Notes: a.notes}
	}
	made := &client.Client{ID: c.ID, Metadata: m, CreatedAt: notLater(c.CreatedAt, now), UpdatedAt: now}
	out := Adapted{Client: made}
	if m.UsesSecret() {
		switch {
		case c.Secret != "" && m.CheckSecret(c.Secret) == nil:
			out.Secret = c.Secret
		case credential.CheckLegacyHash(c.SecretHash) == nil:
			made.Secret = client.Secret(c.SecretHash)
		default:
			out.Secretless = true
		}
	}
	out.Notes = a.notes
	return out
}

// adapter converts one client.
type adapter struct {
	policy  client.Policy
	members map[string]json.RawMessage
	notes   []string
}

func (a *adapter) note(format string, args ...any) {
	a.notes = append(a.notes, fmt.Sprintf(format, args...))
}

func (a *adapter) text(name string) (text string) {
	_ = json.Unmarshal(a.members[name], &text) // metadata reports invalid members
	return text
}

func (a *adapter) list(name string) (list []string) {
	_ = json.Unmarshal(a.members[name], &list) // metadata reports invalid members
	return list
}

func (a *adapter) set(name string, list []string) {
	if len(list) == 0 {
		delete(a.members, name)
		return
	}
	a.members[name], _ = json.Marshal(list)
}

// authentication removes members without a meaning for the authentication method.
func (a *adapter) authentication() {
	method := cmp.Or(a.text("token_endpoint_auth_method"), client.AuthBasic)
	if method != client.AuthPrivateKeyJWT && method != client.AuthSecretJWT {
		delete(a.members, "token_endpoint_auth_signing_alg")
	}
	if a.text("userinfo_signed_response_alg") == "none" {
		delete(a.members, "userinfo_signed_response_alg")
	}
	if strings.Contains(a.text("scope"), "*") {
		a.note("its scopes with * are taken as they are spelled: give it each scope by name")
	}
	if a.text("subject_type") == client.Pairwise {
		a.note("its users get other subjects, unless the login app sends those of before as force_subject_identifier")
	}
}

// scopes omits scopes of the admin API. They have no meaning in Hydra, so dynamically registered
// clients may contain them.
func (a *adapter) scopes() {
	var kept, lost []string
	for scope := range strings.FieldsSeq(a.text("scope")) {
		if slices.Contains(apikey.Scopes(), scope) {
			lost = append(lost, scope)
		} else {
			kept = append(kept, scope)
		}
	}
	if len(lost) > 0 {
		a.note("scopes left out, which open the administrators' API here: %s", printable(lost))
		a.members["scope"], _ = json.Marshal(strings.Join(kept, " "))
	}
}

// grants keeps the supported grant and response types that match.
func (a *adapter) grants() (refused string) {
	grants, answers := a.list("grant_types"), a.list("response_types")
	if len(grants) == 0 {
		grants = []string{client.GrantAuthorizationCode} // as Hydra has it
	}
	if len(answers) == 0 {
		answers = []string{client.ResponseTypeCode}
	}
	known, types := client.GrantTypes(), []string{client.ResponseTypeCode}
	if a.policy.LegacyResponseTypes {
		known, types = append(known, client.GrantImplicit), append(types, client.LegacyResponseTypes()...)
	}
	implicit := slices.Contains(grants, client.GrantImplicit)
	var kept, lost []string
	for _, one := range grants {
		switch {
		case slices.Contains(kept, one):
		case slices.Contains(known, one):
			kept = append(kept, one)
		default:
			lost = append(lost, one)
		}
	}
	if len(lost) > 0 {
		a.note("grant types that are not offered: %s%s", printable(lost), a.legacyHint(slices.Contains(lost, client.GrantImplicit)))
	}
	code := slices.Contains(kept, client.GrantAuthorizationCode)
	implicit = implicit && slices.Contains(kept, client.GrantImplicit)
	var given, strange []string
	for _, one := range answers {
		one = client.ResponseType(one)
		wantsCode, wantsTokens := halves(one)
		switch {
		case wantsCode && !code || wantsTokens && !implicit || slices.Contains(given, one): // without effect in Hydra either, or already noted
		case slices.Contains(types, one):
			given = append(given, one)
		default:
			strange = append(strange, one)
		}
	}
	if len(strange) > 0 {
		a.note("response types that are not offered: %s", printable(strange))
	}
	var anyCode, anyTokens bool
	for _, one := range given {
		wantsCode, wantsTokens := halves(one)
		anyCode, anyTokens = anyCode || wantsCode, anyTokens || wantsTokens
	}
	drop := func(grant string) {
		kept = slices.DeleteFunc(kept, func(one string) bool { return one == grant })
	}
	if !anyCode {
		drop(client.GrantAuthorizationCode)
	}
	if !anyTokens {
		drop(client.GrantImplicit)
	}
	if a.text("token_endpoint_auth_method") == client.AuthNone && slices.Contains(kept, client.GrantClientCredentials) {
		drop(client.GrantClientCredentials)
		a.note("client_credentials is not for a client that does not authenticate")
	}
	if !slices.Contains(kept, client.GrantAuthorizationCode) && !slices.Contains(kept, client.GrantDeviceCode) && !slices.Contains(kept, client.GrantCIBA) {
		drop(client.GrantRefreshToken) // no grant type issues one
	}
	if len(kept) == 0 {
		return "its grant types are not supported here: " + printable(append(grants, answers...)) + a.legacyHint(slices.Contains(grants, client.GrantImplicit))
	}
	a.set("grant_types", kept)
	a.set("response_types", given)
	return ""
}

func (a *adapter) legacyHint(implicit bool) string {
	if implicit && !a.policy.LegacyResponseTypes {
		return " (see legacy_response_types)"
	}
	return ""
}

// halves reports whether a response type requests a code, and tokens.
func halves(responseType string) (code, tokens bool) {
	for value := range strings.FieldsSeq(responseType) {
		code, tokens = code || value == client.ResponseTypeCode, tokens || value != client.ResponseTypeCode
	}
	return code, tokens
}

// redirects keeps the valid redirect URIs.
func (a *adapter) redirects() (refused string) {
	answers := a.list("response_types")
	uris := a.list("redirect_uris")
	kind := "web"
	if slices.ContainsFunc(uris, func(uri string) bool { return ofAnApp(uri, a.text("token_endpoint_auth_method") == client.AuthNone) }) {
		kind = "native"
		a.members["application_type"] = json.RawMessage(`"native"`)
	}
	try := func(homes []string, leave ...string) []client.Fault {
		m := client.Metadata{
			ApplicationType: kind, RedirectURIs: homes, PostLogoutRedirectURIs: leave,
			GrantTypes: []string{client.GrantAuthorizationCode}, ResponseTypes: []string{client.ResponseTypeCode},
		}
		return m.Validate(a.policy)
	}
	var homes []string
	for _, uri := range uris {
		if faults := try([]string{uri}); len(faults) > 0 {
			a.note("redirect URI %s left out: it %s", printable([]string{uri}), strings.TrimPrefix(faults[0].Reason, "item 1 "))
			continue
		}
		homes = append(homes, uri)
	}
	if len(homes) == 0 && len(answers) > 0 {
		return "no redirect URI of it can be used: " + printable(uris)
	}
	var leaves []string
	for _, uri := range a.list("post_logout_redirect_uris") {
		if faults := try(homes, uri); len(faults) > 0 {
			a.note("post-logout redirect URI %s left out: it %s", printable([]string{uri}), strings.TrimPrefix(faults[0].Reason, "item 1 "))
			continue
		}
		leaves = append(leaves, uri)
	}
	a.set("redirect_uris", homes)
	a.set("post_logout_redirect_uris", leaves)
	return ""
}

// ofAnApp reports whether a redirect URI belongs to a native app: it has a private-use scheme,
// or a loopback address, for which Hydra allows any port.
func ofAnApp(uri string, public bool) bool {
	scheme, rest, _ := strings.Cut(uri, ":")
	switch scheme {
	case "https":
		return false
	case "http":
		return public && (strings.HasPrefix(rest, "//127.0.0.1") || strings.HasPrefix(rest, "//[::1]"))
	}
	return strings.Contains(scheme, ".")
}

// optional are the members that can be omitted without breaking or weakening a client.
func optional() []string {
	return []string{
		"client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts", "owner", "metadata", "allowed_cors_origins", "audience",
		"userinfo_signed_response_alg", "request_uris", "frontchannel_logout_uri", "frontchannel_logout_session_required",
		"backchannel_logout_uri", "backchannel_logout_session_required", "access_token_strategy",
	}
}

// needsKeys reports whether the client must have keys to sign requests or assertions.
func (a *adapter) needsKeys() bool {
	return a.text("token_endpoint_auth_method") == client.AuthPrivateKeyJWT || a.text("request_object_signing_alg") != ""
}

// metadata parses the members, without invalid ones that are optional.
func (a *adapter) metadata() (m client.Metadata, refused string) {
	var faults []client.Fault
	for range len(optional()) + 2 {
		m, faults = client.ParseMetadata(a.members, a.policy)
		spared := false
		for _, fault := range faults {
			if _, there := a.members[fault.Member]; !there {
				continue
			}
			if slices.Contains(optional(), fault.Member) || fault.Member == "jwks_uri" && !a.needsKeys() || strings.HasSuffix(fault.Member, "_lifespan") {
				delete(a.members, fault.Member)
				a.note("%s left out: it %s", fault.Member, fault.Reason)
				spared = true
			}
		}
		if !spared {
			break
		}
	}
	a.notes = append(a.notes, client.KeyWarnings(a.members["jwks"])...)
	var reasons []string
	for _, fault := range faults {
		reasons = append(reasons, fault.String())
	}
	return m, strings.Join(reasons, "; ")
}

// printable quotes texts from the database for a report.
func printable(texts []string) string {
	var quoted []string
	for _, text := range texts {
		if len(text) > 200 {
			text = text[:200]
		}
		quoted = append(quoted, strings.Trim(fmt.Sprintf("%+q", text), `"`))
	}
	return strings.Join(quoted, ", ")
}
