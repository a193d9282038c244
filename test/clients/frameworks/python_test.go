//go:build e2e

package frameworks

import (
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

func TestFlask(t *testing.T) {
	t.Parallel()
	dir := virtualEnvironment(t, "flask")
	server := serve(t, rig.Postgres)
	a := newApplication(t, server, registration{
		heading: "Flask", preset: "flask",
	})
	a.user, a.refresh, a.signOut, a.signedOut = "/me", "/refresh", "/sign-out", "signed out"
	a.run(t, server, dir, "venv/bin/python", "app.py")
	a.test(t, server, allClaims)
}

func TestDjango(t *testing.T) {
	t.Parallel()
	dir := virtualEnvironment(t, "django")
	server := serve(t, rig.SQLite)
	a := newApplication(t, server, registration{
		heading: "Django", preset: "django",
	})
	a.user, a.refresh, a.signOut, a.signedOut = "/me", "/refresh", "/sign-out", "signed out"
	a.run(t, server, dir, "sh", "-c", "venv/bin/python -m django migrate --settings settings --pythonpath . --verbosity 0 && "+
		"exec venv/bin/python -m django runserver --settings settings --pythonpath . --noreload localhost:$PORT")
	a.test(t, server, map[string]any{"email": "ada@example.com", "given_name": "Ada", "groups": []string{"engines", "staff"}})
}

func virtualEnvironment(t *testing.T, name string) string {
	t.Helper()
	dir := copyApplication(t, name)
	install(t, dir, []string{"python3", "-m", "venv", "venv"},
		[]string{"venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt"})
	return dir
}
