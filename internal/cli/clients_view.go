package cli

import (
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// clientView is a client in output, with the names of RFC 7591. The output of a list can be
// imported. Secret is set only right after it was generated.
type clientView struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty"`
	client.Metadata

	SelfRegistered bool      `json:"self_registered,omitempty"`
	Disabled       bool      `json:"disabled,omitempty"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`

	Localized map[string]string `json:"localized,omitempty"` // always empty: MarshalJSON writes the localized members
}

// MarshalJSON also writes the localized members.
func (v clientView) MarshalJSON() ([]byte, error) {
	type members clientView
	return v.MarshalWith(members(v))
}

func viewClient(c *client.Client, secret string) clientView {
	return clientView{
		ID: c.ID, Secret: secret, Metadata: c.Metadata, SelfRegistered: c.Dynamic, Disabled: c.Disabled,
		CreatedAt: storedTime(c.CreatedAt), UpdatedAt: storedTime(c.UpdatedAt),
	}
}

func clientColumns() table[clientView] {
	return table[clientView]{
		[]string{"ID", "NAME", "AUTHENTICATES WITH", "GRANT TYPES", "REGISTERED BY", "CREATED"},
		func(v clientView) []string {
			by := "operator"
			if v.SelfRegistered {
				by = "itself"
			}
			if v.Disabled {
				by += " (disabled)"
			}
			return []string{v.ID, v.ClientName, v.TokenEndpointAuthMethod, strings.Join(v.GrantTypes, " "), by, formatTime(v.CreatedAt)}
		},
	}
}

// printClient prints a client, with its secret if it was just generated.
func printClient(d *database, a outputFlags, c *client.Client, secret string) error {
	if secret != "" {
		d.notef(shownOnceNote, "secret")
	}
	return printObject(d.Out, a, viewClient(c, secret))
}
