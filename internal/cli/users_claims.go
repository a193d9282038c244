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

// readClaims reads claims from the command line. A claim that is no string is
// written as in JSON: of the standard claims by their type, of others a list or an object.
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

// noteUnreleasedClaims names the claims of people that no scope releases: nobody but the
// operator ever sees them.
func noteUnreleasedClaims(ctx context.Context, d *database, people ...account.Import) error {
	known, err := loadScopes(ctx, d)
	if err != nil {
		return err
	}
	unreleased := map[string]bool{}
	for _, one := range people {
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
	d.notef("no scope releases these claims: %s\nTo release one: ostiary scopes create NAME --claim CLAIM=id_token,userinfo\n", names)
	return nil
}
