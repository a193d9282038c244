package hydraimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// ParseClients parses clients from JSON in the forms of Hydra's API and command line: a list,
// an object with the member items, or any number of single clients. Listings contain no
// secrets.
func ParseClients(text []byte) ([]Client, error) {
	var all []Client
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	for {
		var one json.RawMessage
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not JSON after %d bytes", decoder.InputOffset())
		}
		some, err := parseClients(one)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if all == nil {
		return nil, errors.New("holds no clients")
	}
	ids := make(map[string]bool, len(all))
	for _, c := range all {
		if ids[c.ID] {
			return nil, fmt.Errorf("two clients have the client_id %q", c.ID)
		}
		ids[c.ID] = true
	}
	return all, nil
}

func parseClients(raw json.RawMessage) ([]Client, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		var page struct {
			Items []json.RawMessage `json:"items"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, errors.New("want clients, in a list or one by one")
		}
		if list = page.Items; list == nil {
			list = []json.RawMessage{raw}
		}
	}
	clients := make([]Client, 0, len(list))
	for i, one := range list {
		c, err := parseClient(one)
		if err != nil {
			return nil, fmt.Errorf("client %d: %w", i+1, err)
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func parseClient(raw json.RawMessage) (Client, error) {
	r := &row{}
	if err := json.Unmarshal(raw, &r.columns); err != nil || r.columns == nil {
		return Client{}, errors.New("must be a JSON object")
	}
	c := Client{ID: r.text("client_id"), Secret: r.text("client_secret"), CreatedAt: r.time("created_at"), Members: map[string]json.RawMessage{}}
	if r.err == nil && c.ID == "" {
		r.err = errors.New("client_id is missing")
	}
	if r.err != nil {
		return Client{}, r.err
	}
	for name := range r.columns {
		value := r.value(name)
		if value == nil || slices.Contains([]string{`""`, "[]", "{}", "false"}, string(value)) || slices.Contains(shown(), name) {
			continue
		}
		c.Members[name] = value
	}
	return c, nil
}

// shown are the members that a server adds to clients in responses.
func shown() []string {
	return []string{
		"client_id", "client_secret", "client_secret_expires_at", "created_at", "updated_at", "registration_access_token",
		"registration_client_uri",
	}
}

// notLater returns the earlier of at and now, or now if at is zero, because grants from before the creation of their
// client are invalid.
func notLater(at, now time.Time) time.Time {
	if at.IsZero() || at.After(now) {
		return now
	}
	return at
}
