//go:build e2e

package frameworks

import (
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// allClaims are the claims of an application that shows all claims of the ID token.
var allClaims = map[string]any{
	"name": "Ada Lovelace", "given_name": "Ada", "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
	"groups": []string{"engines", "staff"},
}

func TestExpress(t *testing.T) {
	t.Parallel()
	dir := nodeModules(t, "express")
	server := serve(t, rig.SQLite)
	a := newApplication(t, server, registration{
		heading: "Express", preset: "express",
	})
	a.user, a.refresh, a.signOut, a.signedOut = "/me", "/refresh", "/logout", "signed out"
	a.run(t, server, dir, "node", "app.mjs")
	a.test(t, server, allClaims)
}

func TestAuthJS(t *testing.T) {
	t.Parallel()
	dir := nodeModules(t, "authjs")
	server := serve(t, rig.Postgres)
	a := newApplication(t, server, registration{
		heading: "Auth.js", preset: "authjs",
	})
	a.user, a.refresh, a.signOut, a.signedOut = "/me", "/refresh", "/sign-out", "signed out"
	a.run(t, server, dir, "node", "app.mjs")
	a.test(t, server, allClaims)
}

func nodeModules(t *testing.T, name string) string {
	t.Helper()
	dir := copyApplication(t, name)
	install(t, dir, []string{"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retry-mintimeout", "1000"})
	return dir
}

func TestNextJS(t *testing.T) {
	t.Parallel()
	dir := nodeModules(t, "nextjs")
	server := serve(t, rig.SQLite)
	a := newApplication(t, server, registration{
		heading: "Next.js", preset: "nextjs",
	})
	a.user, a.signOut, a.signedOut = "/me", "/sign-out", "signed out"
	a.run(t, server, dir, "sh", "-c", "NEXT_TELEMETRY_DISABLED=1 npx next build && exec npx next start --hostname localhost --port $PORT")
	a.test(t, server, allClaims)
}
