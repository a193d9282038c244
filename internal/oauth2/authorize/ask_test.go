package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
)

// silent is a hook that changes nothing.
type silent struct{}

func (silent) Call(context.Context, []byte) (int, []byte, error) {
	return http.StatusNoContent, nil, nil
}

// Whatever way a token comes, none is made past a hook.
func TestNoTokenIsMadePastAHook(t *testing.T) {
	t.Parallel()

	for hooks, grantTypes := range map[*Hooks][]string{
		{Token: silent{}}:   client.GrantTypes(),
		{Refresh: silent{}}: {client.GrantRefreshToken},
	} {
		h := &Handler{Config: Config{Hooks: *hooks}}
		for _, grantType := range grantTypes {
			u := &unit{client: &client.Client{ID: "rp"}, form: url.Values{"grant_type": {grantType}}}
			if _, err := h.mint(t.Context(), u); !errors.Is(err, errUnasked) {
				t.Errorf("%s: %v, want it refused", grantType, err)
			}
		}
	}
}
