package credential_test

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ostiary/ostiary/internal/credential"
)

// imported are hashes of the password "imported" that differ from what hasher makes.
func imported(t *testing.T) map[string]string {
	t.Helper()
	legacy, err := bcrypt.GenerateFromPassword([]byte("imported"), 10)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pbkdf2.Key(sha256.New, "imported", []byte("0123456789abcdef"), 600_000, 32)
	if err != nil {
		t.Fatal(err)
	}
	hashes := map[string]string{
		"bcrypt":        string(legacy),
		"pbkdf2-sha256": "$pbkdf2-sha256$i=600000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$" + base64.RawStdEncoding.EncodeToString(key),
	}
	for name, other := range map[string]*credential.Hasher{
		"argon2id, weaker":   credential.NewHasher(8, 1, 1, time.Minute),
		"argon2id, stronger": credential.NewHasher(32<<10, 4, 1, time.Minute),
	} {
		hash, err := other.Hash(t.Context(), "imported")
		if err != nil {
			t.Fatal(err)
		}
		hashes[name] = hash
	}
	return hashes
}

func TestCheckRehashesAWeakerHash(t *testing.T) {
	t.Parallel()
	h := credential.NewHasher(16<<10, 2, 4, time.Minute)
	own, err := h.Hash(t.Context(), "imported")
	if err != nil {
		t.Fatal(err)
	}
	all := imported(t)
	all["the configured recipe"] = own
	all["argon2id, as strong with more lanes"] = "$argon2id$v=19$m=16384,t=2,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, hash := range all {
		got, err := h.Check(t.Context(), hash, "wrong")
		if err != nil || got != (credential.CheckResult{}) {
			t.Errorf("%s: Check of a wrong password = %+v, %v; want nothing", name, got, err)
		}
		if strings.HasSuffix(name, "lanes") {
			continue
		}
		if got, err = h.Check(t.Context(), hash, "imported"); err != nil || !got.OK {
			t.Errorf("%s: Check of the right password = %+v, %v", name, got, err)
		}
		if stays := hash == own || name == "argon2id, stronger"; stays != (got.Rehashed == "") {
			t.Errorf("%s: renewed to %q; want it to stay: %v", name, got.Rehashed, stays)
		}
		if got.Rehashed == "" {
			continue
		}
		again, err := h.Check(t.Context(), got.Rehashed, "imported")
		if err != nil || again != (credential.CheckResult{OK: true}) {
			t.Errorf("%s: Check of the renewed hash = %+v, %v; want it to fit and stay", name, again, err)
		}
		if ok, err := h.Verify(t.Context(), got.Rehashed, "wrong"); err != nil || ok {
			t.Errorf("%s: a wrong password fits the renewed hash", name)
		}
	}
	if got, err := h.Check(t.Context(), "", "imported"); err != nil || got != (credential.CheckResult{}) {
		t.Errorf("Check of no account = %+v, %v; want nothing", got, err)
	}
}

// The time of a check does not depend on the account: it computes the same recipes for every
// hash, and without an account.
func TestCheckComputesTheSameRecipesForAllAccounts(t *testing.T) {
	t.Parallel()
	all := imported(t)
	for name, hash := range all {
		h := credential.NewHasher(16<<10, 2, 4, time.Minute)
		own, err := h.Hash(t.Context(), "imported")
		if err != nil {
			t.Fatal(err)
		}
		if !h.AddRecipe(hash) {
			t.Fatalf("%s: the recipe is not learned", name)
		}
		want := h.Computes(hash)
		if len(want) != 2 {
			t.Errorf("%s: a check computes %v, want the configured recipe and this one", name, want)
		}
		for of, kept := range map[string]string{"nobody": "", "an account made here": own} {
			if got := h.Computes(kept); !slices.Equal(got, want) {
				t.Errorf("%s: a check of %s computes %v, of an imported account %v", name, of, got, want)
			}
		}
		for _, dummy := range h.Dummies() {
			if ok, err := h.Verify(t.Context(), dummy, "imported"); err != nil || ok {
				t.Errorf("%s: Verify of the stand-in %s = %v, %v; want a comparison that fails", name, dummy, ok, err)
			}
		}
	}
}

// A recipe that no sample showed is learned from the first check.
func TestCheckAddsTheRecipeOfItsHash(t *testing.T) {
	t.Parallel()
	h := hasher(1, time.Minute)
	hash := imported(t)["argon2id, weaker"]
	if _, err := h.Check(t.Context(), hash, "wrong"); err != nil {
		t.Fatal(err)
	}
	if got := h.Computes(""); len(got) != 2 || got[1] != "$argon2id$v=19$m=8,t=1,p=1" {
		t.Errorf("afterwards a check of nobody computes %v", got)
	}
}

// The number and cost of added recipes are bounded.
func TestAddedRecipesAreBounded(t *testing.T) {
	t.Parallel()
	h := credential.NewHasher(64, 1, 1, time.Minute)
	const salt, key = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, step := range []struct {
		costs string
		want  bool
	}{
		{"m=64,t=1,p=1", true}, // the configured one
		{"m=64,t=9,p=1", false},
		{"m=1048576,t=1,p=1", false},
		{"m=64,t=8,p=1", true},
		{"m=32,t=1,p=1", true},
		{"m=32,t=1,p=2", true},
		{"m=32,t=1,p=3", false}, // one too many
		{"m=32,t=1,p=2", true},
	} {
		if got := h.AddRecipe("$argon2id$v=19$" + step.costs + "$" + salt + "$" + key); got != step.want {
			t.Errorf("Learn(%s) = %v, want %v", step.costs, got, step.want)
		}
	}
	if h.AddRecipe("no hash") {
		t.Error("what is no hash is learned")
	}
	hash, err := credential.NewHasher(64, 9, 1, time.Minute).Hash(t.Context(), "imported")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.Check(t.Context(), hash, "imported"); err != nil || got != (credential.CheckResult{OK: true}) {
		t.Errorf("Check under a recipe that is not learned = %+v, %v", got, err)
	}
}

// Every hash that the configuration allows can be checked.
func TestCheckAcceptsTheMaximumConfiguredCost(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=4194304,t=100,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if credential.CheckImportedHash(hash) == nil {
		t.Error("an import brings a hash that takes minutes")
	}
	if !credential.NewHasher(4<<20, 100, 1, time.Minute).AddRecipe(hash) {
		t.Error("a hash within the bounds of the configuration is not understood")
	}
}
