package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// signingKey is a signing key as the API returns it.
type signingKey struct {
	KID         string         `json:"kid"`
	Algorithm   jwks.Algorithm `json:"alg"`
	State       jwks.State     `json:"state"`
	PublishedAt time.Time      `json:"published_at"`
	ActivatedAt time.Time      `json:"activated_at"`
	RetiredAt   time.Time      `json:"retired_at"`
	RemoveAfter time.Time      `json:"remove_after"`
}

// keys serves GET /console/keys.
func keys(v *visit) error {
	var list []signingKey
	if _, err := v.call(Call{Operation: "listSigningKeys"}, &list); err != nil {
		return err
	}
	return v.show(keysPage(v, list))
}

// keysPage returns the page: the keys of each algorithm in the order of their lives.
func keysPage(v *visit, list []signingKey) pages.ConsoleKeys {
	c := v.console
	content := pages.ConsoleKeys{Action: c.Root + "/keys", MayRotate: v.holds(apikey.KeysWrite)}
	content.Rotation = messages.New("console.keys.rotation", "until", moment(v.now.Add(c.TokenLifetime)))
	for _, k := range list {
		if k.State == jwks.Next && v.now.Sub(k.PublishedAt) < c.KeySetLifetime {
			content.Rotation = messages.New("console.keys.rotation.later", "from", moment(k.PublishedAt.Add(c.KeySetLifetime)), "until", moment(v.now.Add(c.TokenLifetime+c.KeySetLifetime)))
		}
	}
	order := []jwks.State{jwks.Hint, jwks.Past, jwks.Current, jwks.Next}
	slices.SortStableFunc(list, func(a, b signingKey) int { return slices.Index(order, a.State) - slices.Index(order, b.State) })
	for _, k := range list {
		i := slices.IndexFunc(content.Lines, func(l pages.KeyLine) bool { return l.Algorithm == string(k.Algorithm) })
		if i < 0 {
			content.Lines, i = append(content.Lines, pages.KeyLine{Algorithm: string(k.Algorithm)}), len(content.Lines)
		}
		content.Lines[i].Keys = append(content.Lines[i].Keys, keyRow(v, k))
	}
	slices.SortFunc(content.Lines, func(a, b pages.KeyLine) int {
		return slices.Index(algorithms(), a.Algorithm) - slices.Index(algorithms(), b.Algorithm)
	})
	return content
}

// algorithms returns the algorithms in the order of the page.
func algorithms() []string {
	return []string{string(jwks.RS256), string(jwks.PS256), string(jwks.ES256), string(jwks.EdDSA)}
}

// keyRow returns a key for the page, with the times of its life so far and to come.
func keyRow(v *visit, k signingKey) pages.KeyRow {
	c := v.console
	row := pages.KeyRow{ID: k.KID, Algorithm: string(k.Algorithm), State: messages.New(keyStates()[k.State]), Current: k.State == jwks.Current}
	add := func(key string, at time.Time) {
		if !at.IsZero() {
			row.Times = append(row.Times, messages.New(key, "when", moment(at)))
		}
	}
	add("console.keys.published", k.PublishedAt)
	add("console.keys.activated", k.ActivatedAt)
	add("console.keys.retired", k.RetiredAt)
	switch k.State {
	case jwks.Next:
		add("console.keys.ready", k.PublishedAt.Add(c.KeySetLifetime))
	case jwks.Current:
		add("console.keys.rotates", k.ActivatedAt.Add(c.RotateKeysEvery))
	case jwks.Past, jwks.Hint:
		add("console.keys.removed", k.RemoveAfter)
	}
	return row
}

// moment returns a time in UTC, to the minute.
func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

// keyStates returns the keys of the names of states.
func keyStates() map[jwks.State]string {
	return map[jwks.State]string{
		jwks.Next: "console.keys.state.next", jwks.Current: "console.keys.state.current",
		jwks.Past: "console.keys.state.past", jwks.Hint: "console.keys.state.hint",
	}
}

// changeKeys serves POST /console/keys. rotate replaces the keys of all algorithms, as soon as clients can have
// fetched the next ones. withdraw is the ID of a key to remove, after a question whose answer is the beginning of
// the ID.
func changeKeys(v *visit) error {
	if kid := v.r.PostForm.Get("withdraw"); kid != "" {
		return withdrawKey(v, kid)
	}
	if _, err := v.call(Call{Operation: "rotateSigningKeys"}, nil); err != nil {
		return err
	}
	return v.done("/keys", messages.New("console.keys.rotated"))
}

// typedLength is how much of the ID of a key is typed to withdraw it.
const typedLength = 8

func withdrawKey(v *visit, kid string) error {
	c := v.console
	var list []signingKey
	if _, err := v.call(Call{Operation: "listSigningKeys"}, &list); err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(k signingKey) bool { return k.KID == kid })
	if i < 0 {
		return errNotFound
	}
	start := kid[:min(len(kid), typedLength)]
	if typed := v.r.PostForm.Get("typed"); !confirmed(v) || typed != start {
		page := confirmation(c.Root+"/keys", c.Root+"/keys", messages.New("console.keys.withdraw.question", "alg", string(list[i].Algorithm), "kid", kid),
			withdrawal(v, list[i]), messages.New("console.keys.withdraw"), pages.Input{Name: "withdraw", Value: kid})
		input := pages.Input{ID: "typed", Name: "typed", Value: typed, Label: messages.New("console.keys.withdraw.type", "start", start), Kind: pages.InputText, Required: true, MaxLength: 100}
		if confirmed(v) {
			input.Fault = messages.New("console.keys.withdraw.other")
			page.Inputs = append(page.Inputs, input)
			return v.refuse(http.StatusBadRequest, page)
		}
		page.Inputs = append(page.Inputs, input)
		return v.show(page)
	}
	if _, err := v.call(Call{Operation: "withdrawSigningKey", Path: map[string]string{"kid": kid}}, nil); err != nil {
		return err
	}
	return v.done("/keys", messages.New("console.keys.withdrawn", "kid", start))
}

// withdrawal returns the effects of the withdrawal of a key, with the end of the last token that it signed.
func withdrawal(v *visit, k signingKey) messages.Message {
	c := v.console
	minutes := int((c.KeySetLifetime + time.Minute - 1) / time.Minute)
	switch k.State {
	case jwks.Next:
		return messages.New("console.keys.withdraw.next")
	case jwks.Current:
		return messages.New("console.keys.withdraw.current", "until", moment(v.now.Add(c.TokenLifetime)), "n", minutes)
	case jwks.Hint:
		return messages.New("console.keys.withdraw.hint", "until", moment(k.RemoveAfter))
	case jwks.Past:
	}
	return messages.New("console.keys.withdraw.past", "until", moment(k.RemoveAfter), "n", minutes)
}
