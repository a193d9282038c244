package hydraimport

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Columns of hydra_client by type. A column has the name of the metadata member.
func texts() []string {
	return []string{
		"client_name", "scope", "owner", "policy_uri", "tos_uri", "client_uri", "logo_uri", "subject_type", "sector_identifier_uri",
		"jwks_uri", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "request_object_signing_alg",
		"userinfo_signed_response_alg", "frontchannel_logout_uri", "backchannel_logout_uri", "access_token_strategy",
	}
}

func lists() []string {
	return []string{
		"redirect_uris", "post_logout_redirect_uris", "request_uris", "grant_types", "response_types", "audience", "contacts",
		"allowed_cors_origins",
	}
}

func flags() []string {
	return []string{
		"skip_consent", "skip_logout_consent", "frontchannel_logout_session_required", "backchannel_logout_session_required",
	}
}

// clientOf converts a row of hydra_client.
func clientOf(r *row) (Client, error) {
	c := Client{
		ID: r.text("id"), Members: map[string]json.RawMessage{}, SecretHash: r.text("client_secret"), CreatedAt: r.time("created_at"),
	}
	put := func(name string, value any, there bool) {
		if there {
			c.Members[name], _ = json.Marshal(value)
		}
	}
	for _, name := range texts() {
		text := r.text(name)
		put(name, text, text != "")
	}
	for _, name := range lists() {
		list := r.list(name)
		put(name, list, len(list) > 0)
	}
	for _, name := range flags() {
		put(name, true, r.flag(name))
	}
	for _, name := range []string{"jwks", "metadata"} {
		if document := r.document(name); document != nil {
			c.Members[name] = document
		}
	}
	for column := range r.columns {
		if !strings.HasSuffix(column, "_lifespan") || strings.HasPrefix(column, "password_") {
			continue
		}
		lifespan := time.Duration(r.number(column))
		put(column, lifespan.String(), lifespan != 0)
	}
	if r.err != nil {
		return Client{}, fmt.Errorf("client %q: %w", c.ID, r.err)
	}
	return c, nil
}
