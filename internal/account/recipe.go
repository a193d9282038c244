package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
)

const (
	// maxRecipes bounds how many recipes beside the configured one every check computes.
	maxRecipes = 3
	// maxRecipeCost bounds an argon2id recipe among them, in multiples of the configured
	// cost: nobody shall wait that long on every sign-in for one imported account.
	maxRecipeCost = 8
)

// recipe is how a hash is computed: the algorithm and all parameters that its time
// depends on.
type recipe struct {
	id    string // the hash up to its salt
	dummy string // a hash of the recipe that no password fits
	cost  uint64 // argon2id: KiB of memory times passes; 0 for PBKDF2 and bcrypt
}

// recipeOf returns the recipe of a hash that [Hasher.Verify] understands, or
// [ErrBadHash].
func recipeOf(hash string) (recipe, error) {
	zeros := func(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	parts := strings.Split(hash, "$")
	if p, err := parsePHC(hash); err == nil {
		id := strings.Join(parts[:4], "$")
		return recipe{id, id + "$" + zeros(len(p.salt)) + "$" + zeros(len(p.key)), uint64(p.memory) * uint64(p.passes)}, nil
	}
	legacy, err := parseForeign(hash)
	if err != nil {
		return recipe{}, err
	}
	if p, ok := legacy.(pbkdf2Hash); ok {
		id := strings.Join(parts[:3], "$")
		return recipe{id: id, dummy: id + "$" + zeros(len(p.salt)) + "$" + zeros(len(p.key))}, nil
	}
	return recipe{id: hash[:7], dummy: hash[:7] + strings.Repeat(".", len(hash)-7)}, nil
}

// recipes are those that a check computes beside the configured one.
type recipes struct {
	mu    sync.Mutex
	known []recipe
}

// all returns those known now, in the order in which they were learned.
func (r *recipes) all() []recipe {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.known)
}

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

// AddRecipe makes every later [Hasher.Check] also compute the recipe of hash, a hash that
// some account has, so that its time does not tell which account that is. It reports
// whether it does: not if the hash is invalid, costs more than eight times the
// configured recipe, or differs from three that are known already.
func (h *Hasher) AddRecipe(hash string) bool {
	r, err := recipeOf(hash)
	switch {
	case err != nil || r.cost > maxRecipeCost*h.own.cost:
		return false
	case r.id == h.own.id:
		return true
	}
	return h.learned.add(r)
}

// CheckResult is the result of [Hasher.Check].
type CheckResult struct {
	OK bool // the password is the one that was hashed
	// Rehashed is a hash of the password under the configured recipe, to be stored in
	// place of the one checked; empty if that one is as strong, or the password wrong.
	Rehashed string
}

// Check compares a password with the hash of an account, empty if there is none.
//
// Every check computes the same recipes, so that the time does not depend on the
// account: the configured one and those learned. Where the account's hash is of another
// recipe, the configured one hashes the password under a fresh salt, which makes the
// renewed hash.
//
// It returns [ErrBadHash] for a hash that is not understood, before anything is
// computed, and [ErrBusy] if nothing was checked.
func (h *Hasher) Check(ctx context.Context, hash, password string) (CheckResult, error) {
	kept := h.own
	if hash != "" {
		var err error
		if kept, err = recipeOf(hash); err != nil {
			return CheckResult{}, err
		}
		h.AddRecipe(hash)
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return CheckResult{}, err
	}
	defer leave()

	var v CheckResult
	for _, st := range h.plan(hash, kept) {
		switch st.hash {
		case "":
			v.Rehashed = h.fresh(password)
		case hash:
			v.OK = h.fits(hash, password)
		default:
			h.fits(st.hash, password)
		}
	}
	if !v.OK || kept.cost > h.own.cost {
		v.Rehashed = "" // a wrong password, or a hash stronger than configured
	}
	return v, nil
}

// step is one computation of a check.
type step struct {
	recipe string
	hash   string // to compare with; empty to hash the password under a fresh salt
}

// plan returns what a check computes for an account with hash, whose recipe is kept: for
// all accounts the same recipes in the same order.
func (h *Hasher) plan(hash string, kept recipe) []step {
	steps, found := []step{{h.own.id, ""}}, false
	for _, r := range h.learned.all() {
		steps = append(steps, step{r.id, r.dummy})
	}
	for i := range steps {
		if hash != "" && steps[i].recipe == kept.id {
			steps[i].hash, found = hash, true
		}
	}
	if hash != "" && !found {
		steps = append(steps, step{kept.id, hash}) // too costly, or one recipe too many
	}
	return steps
}

// fits compares a password with a hash that has a recipe.
func (h *Hasher) fits(hash, password string) bool {
	if legacy, err := parseForeign(hash); err == nil {
		ok, err := legacy.fits(password)
		return ok && err == nil
	}
	p, err := parsePHC(hash)
	if err != nil {
		return false
	}
	got := h.key(password, p.salt, p.memory, p.passes, p.lanes, uint32(len(p.key))) //nolint:gosec // parsePHC bounds it
	return subtle.ConstantTimeCompare(got, p.key) == 1
}

// fresh hashes a password under the configured recipe.
func (h *Hasher) fresh(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	return h.encode(salt, h.key(password, salt, h.memory, h.passes, 1, 32))
}

// CheckImportedHash returns [ErrBadHash] unless hash is one that an import may bring:
// argon2id, bcrypt or PBKDF2, within bounds. It costs no hash.
func CheckImportedHash(hash string) error {
	if CheckHash(hash) == nil {
		return nil
	}
	return CheckLegacyHash(hash)
}
