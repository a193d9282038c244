package rig_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// A smoke test on one engine. The tests that use the package test it in detail.
func TestRigRunsEveryFlow(t *testing.T) {
	t.Parallel()
	play(t, rig.Options{Replicas: 2})
}

// As above, with an issuer path that the balancer keeps or removes.
func TestRigWithAnIssuerPath(t *testing.T) {
	t.Parallel()
	for _, proxy := range []string{"kept", "stripped"} {
		t.Run(proxy, func(t *testing.T) {
			t.Parallel()
			play(t, rig.Options{Replicas: 2, Path: "/auth", Env: map[string]string{"ISSUER_PATH": proxy}})
		})
	}
}

// play runs every operation of the package.
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
		browser := rig.NewBrowser(cluster.Endpoint, user)
		a, err := browser.Authorize(ctx, &client, nil)
		if err != nil {
			t.Fatalf("%s: %v", client.ID, err)
		}
		if a.State != a.SentState || a.Issuer != cluster.Issuer {
			t.Errorf("%s: response with state %q and iss %q, want %q and %q", client.ID, a.State, a.Issuer, a.SentState, cluster.Issuer)
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
		if got := cluster.Userinfo(ctx, token); got.Text("sub") == "" {
			t.Errorf("%s: userinfo: %v", client.ID, got)
		}
		if got := cluster.Introspect(ctx, &clients.Web, token); !got.Active() {
			t.Errorf("%s: introspection: %v, want active", client.ID, got)
		}
		if got := cluster.Revoke(ctx, &client, second.Text("refresh_token")); got.Status != 200 {
			t.Errorf("%s: revocation: %v", client.ID, got)
		}
		for i := range cluster.Len() {
			if got := cluster.At(i).Introspect(ctx, &clients.Web, token); got.Status != 200 || got.Active() {
				t.Errorf("%s: introspection by replica %d after revocation: %v, want inactive", client.ID, i, got)
			}
		}
		again, err := browser.Authorize(ctx, &client, url.Values{"response_mode": {"form_post"}, "prompt": {"consent"}})
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
		t.Error("the logs of the replicas are empty")
	}
}
