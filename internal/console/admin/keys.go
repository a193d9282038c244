package admin

import (
	"context"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// keys serves GET /console/keys.
func keys(v *visit) error {
	records, err := v.console.Keys.Records(v.r.Context())
	if err != nil {
		return err
	}
	content := pages.ConsoleKeys{Action: v.console.Root + "/keys", MayRotate: v.holds(apikey.KeysWrite)}
	for _, r := range records {
		content.Keys = append(content.Keys, pages.KeyRow{
			ID: r.KID, Algorithm: string(r.Algorithm), State: messages.New(keyStates()[r.State]), Current: r.State == jwks.Current,
			Published: v.when(r.PublishedAt), Activated: v.when(r.ActivatedAt), Retired: v.when(r.RetiredAt),
		})
	}
	return v.show(content)
}

// keyStates returns the keys of the names of states.
func keyStates() map[jwks.State]string {
	return map[jwks.State]string{
		jwks.Next: "console.keys.state.next", jwks.Current: "console.keys.state.current",
		jwks.Past: "console.keys.state.past", jwks.Hint: "console.keys.state.hint",
	}
}

// rotateKeys serves POST /console/keys: the next keys of all algorithms sign as soon as clients can
// have fetched them.
func rotateKeys(v *visit) error {
	err := v.change("key.rotate", "", func(ctx context.Context) error {
		_, err := v.console.Keys.Rotate(ctx, "")
		return err
	})
	if err != nil {
		return err
	}
	return v.done("/keys", messages.New("console.keys.rotated"))
}
