package account

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// maxProfile bounds the length of a field of the profile in characters.
const maxProfile = 255

// profileField is a standard claim that users change.
//
// Spec: OpenID Connect Core §5.1.
type profileField struct {
	id, claim string
	// valid reports whether a value that is not empty is acceptable; nil accepts all.
	valid func(string) bool
}

func profileFields() []profileField {
	return []profileField{
		{"name", "name", nil},
		{"given-name", "given_name", nil},
		{"family-name", "family_name", nil},
		{"picture", "picture", isPicture},
		{"locale", "locale", isLocale},
		{"zoneinfo", "zoneinfo", zoneName.MatchString},
	}
}

// isPicture accepts https URLs.
func isPicture(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// isLocale accepts BCP 47 language tags.
func isLocale(text string) bool {
	_, err := language.Parse(text)
	return err == nil
}

// zoneName matches names of the IANA time zone database.
var zoneName = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$`)

// profile serves GET /account/profile.
func (c *Console) profile(v *visit) error {
	schema, err := c.Attributes.ListAttributes(v.r.Context())
	if err != nil {
		return err
	}
	form := v.profileForm(func(f profileField) string {
		text, _ := v.account.Claims[f.claim].(string)
		return text
	})
	addAttributes(&form, v.account, schema, func(a *account.Attribute) string { return attributeText(v.account.Attributes[a.Name]) })
	return v.show(form)
}

func (v *visit) profileForm(value func(profileField) string) pages.AccountProfile {
	form := pages.AccountProfile{Action: v.console.url("/profile"), CancelURL: v.console.url("")}
	if v.console.PasskeyUser != nil {
		rpID, id := v.console.PasskeyUser(v.account.Subject)
		form.Passkeys = &pages.PasskeyUser{RPID: rpID, UserID: id, Name: v.account.Name(), DisplayName: v.name()}
	}
	into := []*string{&form.Name, &form.GivenName, &form.FamilyName, &form.Picture, &form.Locale, &form.Zoneinfo}
	for i, f := range profileFields() {
		*into[i] = value(f)
		form.Fields += f.claim + " "
	}
	return form
}

// saveProfile serves POST /account/profile: a field for each claim, and for each attribute that
// users may change. An empty field removes the claim or attribute; one without a field stays. Since
// empty parameters are absent, fields has the names of all fields of the form.
func (c *Console) saveProfile(v *visit) error {
	schema, err := c.Attributes.ListAttributes(v.r.Context())
	if err != nil {
		return err
	}
	submitted := v.r.PostForm
	var faults []pages.Fault
	for _, f := range profileFields() {
		text := submitted.Get(f.claim)
		if utf8.RuneCountInString(text) > maxProfile || text != "" && f.valid != nil && !f.valid(text) {
			faults = append(faults, pages.Fault{Field: f.id, Text: profileFault(f.id)})
		}
	}
	attributes, wrong := submittedAttributes(submitted, schema)
	faults = append(faults, wrong...)
	if len(faults) > 0 {
		form := v.profileForm(func(f profileField) string { return submitted.Get(f.claim) })
		addAttributes(&form, v.account, schema, func(a *account.Attribute) string { return submitted.Get(attributeField(a)) })
		form.Faults = faults
		return v.refuse(http.StatusBadRequest, form)
	}
	err = c.Accounts.ChangeProfile(v.r.Context(), v.session.Subject, v.now, func(a *account.Account) error {
		if a.Claims == nil {
			a.Claims = map[string]any{}
		}
		for _, f := range profileFields() {
			switch text := submitted.Get(f.claim); {
			case text != "":
				a.Claims[f.claim] = text
			case hasField(submitted, f.claim):
				delete(a.Claims, f.claim)
			}
		}
		a.Attributes = replaceAttributes(a.Attributes, attributes)
		return nil
	})
	if err != nil {
		return err
	}
	return v.done("/profile", messages.New("account.profile.saved"))
}

// hasField reports whether the form has a field, which may be empty.
func hasField(form url.Values, name string) bool {
	return form.Has(name) || slices.Contains(strings.Fields(form.Get("fields")), name)
}

// profileFault returns what is wrong with a field.
func profileFault(id string) messages.Message {
	switch id {
	case "picture":
		return messages.New("account.profile.bad-picture")
	case "locale":
		return messages.New("account.profile.bad-locale")
	case "zoneinfo":
		return messages.New("account.profile.bad-zoneinfo")
	default:
		return messages.New("account.profile.too-long", "n", maxProfile)
	}
}
