package manage_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/manage"
)

// After resealing, the new system secret opens what the old one has sealed. A second run
// changes nothing.
func TestReseal(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		ctx, both, renewed := t.Context(), secrets(t, newSecret, oldSecret), secrets(t, newSecret)
		o.newClient(t, "basic")
		jwt := &client.Client{ID: "jwt", Metadata: withMethod(client.AuthSecretJWT)}
		rotated, err := o.clients.Create(ctx, jwt, "", nil)
		must(t, err)
		current := ""
		_, err = o.clients.Update(ctx, "jwt", func(c *client.Client) (err error) {
			current, err = o.clients.RotateSecret(ctx, c, time.Hour)
			return err
		}, nil)
		must(t, err)
		k, err := o.keySets.Put(ctx, "set", "", []byte(symmetricKey))
		must(t, err)
		private, err := k.Open(o.secrets.Sealer)
		must(t, err)
		must(t, o.KeySets.PutKeys(ctx, &keyset.Key{Set: "set", KID: "public", Public: []byte(`{}`), CreatedAt: noon}))
		basic := o.client(t, "basic")

		for _, want := range []int{1, 0} {
			before := o.records(t)
			clients, err := manage.ResealClientSecrets(ctx, o.Clients, both)
			must(t, err)
			keys, err := manage.ResealKeySets(ctx, o.KeySets, both)
			must(t, err)
			wantSame(t, "resealed clients and keys", []int{clients, keys}, []int{want, want})
			if want == 0 {
				wantSame(t, "the records after the second run", o.records(t), before)
			}
		}
		stored := o.client(t, "jwt")
		for secret, sealed := range map[string]client.Secret{current: stored.Secret, rotated: stored.RotatedSecrets[0].Secret} {
			opened, err := sealed.Reveal(renewed, "jwt")
			must(t, err)
			wantSame(t, "secret", opened, secret)
		}
		wantSame(t, "a client without a sealed secret", o.client(t, "basic"), basic)
		k, err = o.KeySets.Key(ctx, "set", "hs")
		must(t, err)
		whole, err := k.Open(renewed)
		must(t, err)
		wantSame(t, "key", string(whole), string(private))
	})
}

// changing changes a record between the list and the update of a reseal.
type changing struct {
	manage.SealedClients
	manage.SealedKeys

	change func()
}

func (c changing) UpdateClient(ctx context.Context, one *client.Client) error {
	c.change()
	return c.SealedClients.UpdateClient(ctx, one)
}

func (c changing) ResealKey(ctx context.Context, k *keyset.Key, sealed []byte) error {
	c.change()
	return c.SealedKeys.ResealKey(ctx, k, sealed)
}

// A reseal does not overwrite a concurrent change, and names the record that it could not
// reseal.
func TestResealOfAChangedRecord(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		ctx, both := t.Context(), secrets(t, newSecret, oldSecret)
		_, err := o.clients.Create(ctx, &client.Client{ID: "jwt", Metadata: withMethod(client.AuthSecretJWT)}, "", nil)
		must(t, err)
		_, err = o.keySets.Put(ctx, "set", "", []byte(symmetricKey))
		must(t, err)
		s := changing{o.Clients, o.KeySets, func() {
			_, err := o.clients.Update(ctx, "jwt", func(c *client.Client) error { c.ClientName = "Renamed"; return nil }, nil)
			must(t, err)
			_, err = o.keySets.Put(ctx, "set", "", []byte(symmetricKey))
			must(t, err)
		}}
		count, err := manage.ResealClientSecrets(ctx, s, both)
		wantErr(t, "ResealClientSecrets", err, client.ErrConflict)
		wantText(t, "ResealClientSecrets", err, `client "jwt"`)
		wantSame(t, "resealed", count, 0)
		wantSame(t, "the concurrent change", o.client(t, "jwt").ClientName, "Renamed")
		count, err = manage.ResealKeySets(ctx, s, both)
		wantErr(t, "ResealKeySets", err, keyset.ErrNotFound)
		wantText(t, "ResealKeySets", err, `key "hs" of set "set"`)
		wantSame(t, "resealed", count, 0)

		lost := secrets(t, newSecret)
		_, err = manage.ResealClientSecrets(ctx, o.Clients, lost)
		wantText(t, "ResealClientSecrets without the old secret", err, `client "jwt": open client secret`)
		_, err = manage.ResealKeySets(ctx, o.KeySets, lost)
		wantText(t, "ResealKeySets without the old secret", err, `key "hs" of set "set": open key`)
	})
}
