package manage_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// kids returns the IDs of the keys of a set that can be opened.
func (o *operator) kids(t *testing.T, set string) (kids []string) {
	t.Helper()
	for _, k := range o.records(t).Keys {
		if k.Set != set {
			continue
		}
		whole, err := k.Open(o.secrets.Sealer)
		must(t, err)
		var members struct{ KID string }
		must(t, json.Unmarshal(whole, &members))
		wantSame(t, "kid in the key", members.KID, k.KID)
		kids = append(kids, k.KID)
	}
	return kids
}

// withKID returns symmetricKey under another ID.
func withKID(kid string) string { return strings.Replace(symmetricKey, `"hs"`, `"`+kid+`"`, 1) }

// Generated and imported keys are stored sealed. Put and Import replace the keys with the
// same ID, and Replace replaces all.
func TestChangeKeySet(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		ctx, set := t.Context(), "set"
		must(t, manage.CheckKeySetName(set))
		_, err := o.keySets.Put(ctx, "other", "", []byte(symmetricKey))
		must(t, err)
		for _, step := range []struct {
			name   string
			change func() error
			want   []string
		}{
			{"Generate", func() error { _, err := o.keySets.Generate(ctx, set, "EdDSA", "sig", "a"); return err }, []string{"a"}},
			{"Put", func() error {
				_, err := o.keySets.Put(ctx, set, "b", []byte(strings.Replace(symmetricKey, `"kid":"hs",`, "", 1)))
				return err
			}, []string{"a", "b"}},
			{"Import of a key", func() error { _, err := o.keySets.Import(ctx, set, []byte(withKID("c"))); return err }, []string{"a", "b", "c"}},
			{"Import of a set", func() error {
				_, err := o.keySets.Import(ctx, set, []byte(`{"keys":[`+withKID("c")+`,`+withKID("d")+`]}`))
				return err
			}, []string{"a", "b", "c", "d"}},
			{"Put of a known key", func() error { _, err := o.keySets.Put(ctx, set, "a", []byte(withKID("a"))); return err }, []string{"a", "b", "c", "d"}},
			{"Replace", func() error {
				_, err := o.keySets.Replace(ctx, set, []byte(`{"keys":[`+withKID("e")+`]}`))
				return err
			}, []string{"e"}},
			{"Replace by nothing", func() error { _, err := o.keySets.Replace(ctx, set, []byte(`{"keys":[]}`)); return err }, nil},
		} {
			must(t, step.change())
			wantSame(t, step.name, o.kids(t, set), step.want)
		}
		wantSame(t, "keys of another set", o.kids(t, "other"), []string{"hs"})
		k, err := o.keySets.Generate(ctx, set, "EdDSA", "", "")
		must(t, err)
		wantSame(t, "the kid by default is a thumbprint", len(k.KID), 43)
		stored, err := o.KeySets.Key(ctx, set, k.KID)
		must(t, err)
		if !stored.CreatedAt.Equal(later) || len(stored.Sealed) == 0 || strings.Contains(string(stored.Public), `"d"`) {
			t.Errorf("the stored key is %+v, want its private part sealed", stored)
		}
	})
}

// Of concurrent generations with one ID one succeeds.
func TestConcurrentGenerationsOfAKey(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		errs := fixture.Race(t, o.Store, o.Store, func(ctx context.Context, _ *store.Store) error {
			_, err := o.keySets.Generate(ctx, "set", "EdDSA", "", "kid")
			return err
		})
		fixture.WantOneWinner(t, errs, keyset.ErrExists)
	})
}
