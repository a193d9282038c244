package store_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func aSetKey(set, kid string) *keyset.Key {
	return &keyset.Key{
		Set: set, KID: kid, Public: json.RawMessage(`{"kty":"oct","kid":"` + kid + `"}`), Sealed: []byte("sealed " + kid), CreatedAt: noon,
	}
}

func kids(keys []*keyset.Key) string {
	var names []string
	for _, k := range keys {
		names = append(names, k.Set+"/"+k.KID)
	}
	return strings.Join(names, " ")
}

func TestKeySets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		one, two, other := aSetKey("set", "one"), aSetKey("set", "two"), aSetKey("other", "one")
		two.CreatedAt, two.Sealed = noon.Add(time.Second), nil
		for _, k := range []*keyset.Key{one, two, other} {
			must(t, s.KeySets.InsertKey(ctx, k))
		}
		wantErr(t, "adding one again", s.KeySets.InsertKey(ctx, one), keyset.ErrExists)
		got, err := s.KeySets.KeySet(ctx, "set")
		must(t, err)
		wantSame(t, "the set", got, []*keyset.Key{two, one})
		all, err := s.KeySets.ListKeys(ctx, "", "", 2)
		must(t, err)
		wantSame(t, "the first keys of all", kids(all), "other/one set/one")
		all, err = s.KeySets.ListKeys(ctx, "set", "one", 2)
		must(t, err)
		wantSame(t, "those that follow", kids(all), "set/two")

		later := aSetKey("set", "one")
		later.Public, later.CreatedAt = json.RawMessage(`{}`), noon.Add(time.Hour)
		must(t, s.KeySets.PutKeys(ctx, later))
		key, err := s.KeySets.Key(ctx, "set", "one")
		must(t, err)
		later.CreatedAt = noon
		wantSame(t, "the key that was put in its place", key, later)

		must(t, s.KeySets.ResealKey(ctx, key, []byte("resealed")))
		wantErr(t, "resealing what is not there any more", s.KeySets.ResealKey(ctx, key, []byte("again")), keyset.ErrNotFound)
		created, err := s.KeySets.ImportKeys(ctx, []*keyset.Key{one, aSetKey("set", "three")})
		must(t, err)
		wantSame(t, "keys that an import added", created, 1)

		must(t, s.KeySets.ReplaceKeySet(ctx, "set", []*keyset.Key{two}))
		got, err = s.KeySets.KeySet(ctx, "set")
		must(t, err)
		wantSame(t, "the set in its new form", got, []*keyset.Key{two})
		must(t, s.KeySets.DeleteKey(ctx, "set", "two"))
		wantErr(t, "deleting it again", s.KeySets.DeleteKey(ctx, "set", "two"), keyset.ErrNotFound)
		_, err = s.KeySets.Key(ctx, "set", "two")
		wantErr(t, "a deleted key", err, keyset.ErrNotFound)
		must(t, s.KeySets.DeleteKeySet(ctx, "other"))
		wantErr(t, "deleting a set again", s.KeySets.DeleteKeySet(ctx, "other"), keyset.ErrNotFound)
	})
}

func TestKeySetIsBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var keys []*keyset.Key
		for i := range keyset.MaxKeys + 1 {
			keys = append(keys, aSetKey("set", strconv.Itoa(i)))
		}
		must(t, s.KeySets.ReplaceKeySet(ctx, "set", keys[1:]))
		wantErr(t, "one more", s.KeySets.InsertKey(ctx, keys[0]), keyset.ErrFull)
		wantErr(t, "one more in no place of another", s.KeySets.PutKeys(ctx, keys[0]), keyset.ErrFull)
		wantErr(t, "together", s.KeySets.ReplaceKeySet(ctx, "set", keys), keyset.ErrFull)
		_, err := s.KeySets.ImportKeys(ctx, keys)
		wantErr(t, "an import", err, keyset.ErrFull)
		must(t, s.KeySets.PutKeys(ctx, keys[1]))
		got, err := s.KeySets.KeySet(ctx, "set")
		must(t, err)
		wantSame(t, "keys of the set", len(got), keyset.MaxKeys)
	})
}
