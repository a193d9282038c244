package credential

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
)

const (
	// maxRecipes is the number of recipes that every check computes in addition to the
	// configured one.
	maxRecipes = 3
	// maxRecipeCost is the maximum cost of an argon2 recipe among them, in multiples of
	// the configured cost: every sign-in pays it, for one imported account.
	maxRecipeCost = 8
)

// recipe is the algorithm of a hash and all parameters that determine its computing time.
type recipe struct {
	id    string // the hash up to its salt
	dummy string // a hash of the recipe that no password matches
	cost  uint64 // argon2: KiB of memory times passes; 0 for other algorithms
	// isOwn reports that new hashes have the algorithm of the recipe, argon2id.
	isOwn bool
}

// recipeOf returns the recipe of a hash that [Hasher.Verify] accepts, or
// [ErrBadHash].
func recipeOf(hash string) (recipe, error) {
	zeros := func(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	parts := strings.Split(hash, "$")
	if p, err := parsePHC(hash); err == nil {
		id := strings.Join(parts[:4], "$")
		return recipe{
			id: id, dummy: id + "$" + zeros(len(p.salt)) + "$" + zeros(len(p.key)),
			cost: uint64(p.memory) * uint64(p.passes), isOwn: !p.dataIndependent,
		}, nil
	}
	legacy, err := parseForeignHash(hash)
	if err != nil {
		return recipe{}, err
	}
	if h, ok := legacy.(scryptHash); ok {
		return recipe{id: strings.Join(parts[:3], "$"), dummy: h.dummy(hash)}, nil
	}
	if strings.HasPrefix(hash, "pbkdf2_") {
		id := strings.Join(parts[:2], "$")
		return recipe{id: id, dummy: id + "$" + parts[2] + "$" + base64.StdEncoding.EncodeToString(make([]byte, 32))}, nil
	}
	if p, ok := legacy.(pbkdf2Hash); ok {
		id := strings.Join(parts[:3], "$")
		return recipe{id: id, dummy: id + "$" + zeros(len(p.salt)) + "$" + zeros(len(p.key))}, nil
	}
	return recipe{id: hash[:7], dummy: hash[:7] + strings.Repeat(".", len(hash)-7)}, nil
}

// recipes are the recipes that every check computes in addition to the configured one.
type recipes struct {
	mu    sync.Mutex
	known []recipe
}

// all returns the recipes in the order in which they were added.
func (r *recipes) all() []recipe {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.known)
}

// add reports whether the recipe is among the added ones now.
func (r *recipes) add(one recipe) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, known := range r.known {
		if known.id == one.id {
			return true
		}
	}
	if len(r.known) >= maxRecipes {
		return false
	}
	r.known = append(r.known, one)
	return true
}

// AddRecipe makes every later [Hasher.Check] also compute the recipe of hash, which some
// account has, so that the time of a check does not reveal the account. It returns false,
// and adds nothing, if the hash is invalid, costs more than eight times the configured
// recipe, or three other recipes were added before.
func (h *Hasher) AddRecipe(hash string) bool {
	r, err := recipeOf(hash)
	switch {
	case err != nil || r.cost > maxRecipeCost*h.configured.cost:
		return false
	case r.id == h.configured.id:
		return true
	}
	return h.added.add(r)
}

// CheckResult is the result of [Hasher.Check].
type CheckResult struct {
	OK bool // the password is the one that was hashed
	// Rehashed is a hash of the password under the configured recipe, to replace the one
	// that was checked; empty if that one is as strong, or the password is wrong.
	Rehashed string
}

// Check compares a password with the hash of an account, empty if there is none.
//
// Every check computes the same recipes, the configured one and the added ones, so that
// the time does not depend on the account. If the account's hash has another recipe, the
// configured one hashes the password under a random salt, which gives Rehashed.
//
// It returns [ErrBadHash] for a hash that cannot be parsed, before anything is computed,
// and [ErrBusy] if nothing was checked.
func (h *Hasher) Check(ctx context.Context, hash, password string) (CheckResult, error) {
	own := h.configured
	if hash != "" {
		var err error
		if own, err = recipeOf(hash); err != nil {
			return CheckResult{}, err
		}
		h.AddRecipe(hash)
	}
	slot, err := h.acquire(ctx)
	if err != nil {
		return CheckResult{}, err
	}
	defer slot.Release()

	var v CheckResult
	for _, st := range h.plan(hash, own) {
		switch st.hash {
		case "":
			v.Rehashed = h.newHash(password)
		case hash:
			v.OK = h.matches(hash, password)
		default:
			h.matches(st.hash, password)
		}
	}
	if !v.OK || own.isOwn && own.cost > h.configured.cost {
		v.Rehashed = "" // a wrong password, or a hash stronger than configured
	}
	return v, nil
}

// step is one computation of a check.
type step struct {
	recipe string
	hash   string // to compare with; empty to hash the password under a random salt
}

// plan returns what a check computes for an account whose hash has the recipe own: the
// same recipes in the same order for all accounts.
func (h *Hasher) plan(hash string, own recipe) []step {
	steps, found := []step{{h.configured.id, ""}}, false
	for _, r := range h.added.all() {
		steps = append(steps, step{r.id, r.dummy})
	}
	for i := range steps {
		if hash != "" && steps[i].recipe == own.id {
			steps[i].hash, found = hash, true
		}
	}
	if hash != "" && !found {
		steps = append(steps, step{own.id, hash}) // its recipe could not be added
	}
	return steps
}

// matches compares a password with a hash that has a recipe.
func (h *Hasher) matches(hash, password string) bool {
	if legacy, err := parseForeignHash(hash); err == nil {
		ok, err := legacy.matches(password)
		return ok && err == nil
	}
	p, err := parsePHC(hash)
	return err == nil && h.matchesPHC(p, password)
}
