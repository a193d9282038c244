package rig_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// One test on one engine: what the rig is for is tested where it is used.
func TestARigSignsAPersonInAndPlaysTheClient(t *testing.T) {
	t.Parallel()
	play(t, rig.Options{Replicas: 2})
}

// The same with an issuer that has a path, which the balancer keeps or removes.
func TestARigHasAnIssuerWithAPath(t *testing.T) {
	t.Parallel()
	for _, proxy := range []string{"kept", "stripped"} {
		t.Run(proxy, func(t *testing.T) {
			t.Parallel()
			play(t, rig.Options{Replicas: 2, Path: "/auth", Env: map[string]string{"ISSUER_PATH": proxy}})
		})
	}
}

// play has a person and clients do everything that the rig can.
func play(t *testing.T, options rig.Options) {
	t.Helper()
	ctx := t.Context()
	cluster := rig.Serve(t, options)
	if !strings.HasSuffix(cluster.Issuer, options.Path) {
		t.Fatalf("the issuer is %s", cluster.Issuer)
	}
	clients := rig.StandardClients()
	user := rig.User{Username: "ada", Password: "correct horse battery"}
	rig.ImportClients(t, cluster, clients.All()...)
	rig.ImportUsers(t, cluster, user)

	for _, client := range []rig.Client{clients.Web, clients.Post, clients.Native, clients.Keyed} {
		person := rig.NewBrowser(cluster.Endpoint, user)
		a, err := person.Authorize(ctx, &client, nil)
		if err != nil {
			t.Fatalf("%s: %v", client.ID, err)
		}
		if a.State != a.SentState || a.Issuer != cluster.Issuer {
			t.Errorf("%s: answer with state %q and iss %q, want %q and %q", client.ID, a.State, a.Issuer, a.SentState, cluster.Issuer)
		}
		if pages := strings.Join(a.Pages, " "); pages != "signin consent" {
			t.Errorf("%s: pages %q, want sign-in and consent", client.ID, pages)
		}
		first := cluster.Exchange(ctx, &client, a.Code, a.Verifier)
		if first.Status != 200 || first.Text("id_token") == "" {
			t.Fatalf("%s: exchange: %v", client.ID, first)
		}
		second := cluster.Refresh(ctx, &client, first.Text("refresh_token"))
		if second.Status != 200 {
			t.Fatalf("%s: refresh: %v", client.ID, second)
		}
		token := second.Text("access_token")
		if said := cluster.Userinfo(ctx, token); said.Text("sub") == "" {
			t.Errorf("%s: userinfo: %v", client.ID, said)
		}
		if said := cluster.Introspect(ctx, &clients.Web, token); !said.Active() {
			t.Errorf("%s: introspection: %v, want active", client.ID, said)
		}
		if said := cluster.Revoke(ctx, &client, second.Text("refresh_token")); said.Status != 200 {
			t.Errorf("%s: revocation: %v", client.ID, said)
		}
		for i := range cluster.Len() {
			if said := cluster.At(i).Introspect(ctx, &clients.Web, token); said.Status != 200 || said.Active() {
				t.Errorf("%s: introspection by replica %d after revocation: %v, want inactive", client.ID, i, said)
			}
		}
		again, err := person.Authorize(ctx, &client, url.Values{"response_mode": {"form_post"}, "prompt": {"consent"}})
		if err != nil || again.Code == "" {
			t.Errorf("%s: with form_post: %+v, %v", client.ID, again, err)
		}
	}
	for _, client := range []rig.Client{clients.Machine, clients.Opaque} {
		if got := cluster.Credentials(ctx, &client); got.Text("access_token") == "" {
			t.Errorf("%s: %v", client.ID, got)
		}
	}
	cluster.Kill(0)
	if got := cluster.Credentials(ctx, &clients.Machine); got.Status != 200 {
		t.Errorf("with one replica of two: %v", got)
	}
	cluster.Restart(0)
	if cluster.Logs() == "" {
		t.Error("the replicas have written nothing")
	}
}
