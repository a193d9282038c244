package cli

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
)

// readClaims parses the claims of the command line. Values of other types than string are
// JSON: standard claims by their type, other claims if they are a list or an object.
func readClaims(given map[string]string) (map[string]any, error) {
	claims := make(map[string]any, len(given))
	for name, text := range given {
		claims[name] = text
		switch manage.ClaimKind(name) {
		case "true or false":
			if value, err := strconv.ParseBool(text); err == nil {
				claims[name] = value
			}
		case "a number", "an object":
			var value any
			if err := json.Unmarshal([]byte(text), &value); err == nil {
				claims[name] = value
			}
		case "":
			var value any
			structured := strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")
			if structured && json.Unmarshal([]byte(text), &value) == nil {
				claims[name] = value
			}
		}
	}
	return claims, errors.Join(manage.CheckClaims(claims)...)
}

// noteUnreleasedClaims lists the claims of users that no scope releases.
func noteUnreleasedClaims(ctx context.Context, d *database, users ...account.Import) error {
	known, err := loadScopes(ctx, d)
	if err != nil {
		return err
	}
	unreleased := map[string]bool{}
	for _, one := range users {
		for name := range one.Account.Claims {
			if !known.Releases(name) {
				unreleased[sanitize(name)] = true
			}
		}
	}
	if len(unreleased) == 0 {
		return nil
	}
	names := strings.Join(slices.Sorted(maps.Keys(unreleased)), ", ")
	d.notef("no scope releases these claims: %s\nTo release a claim: ostiary scopes create NAME --claim CLAIM=id_token,userinfo\n", names)
	return nil
}
