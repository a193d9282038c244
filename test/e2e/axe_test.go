//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// axe returns the script of axe-core, from the registry of npm.
var axe = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ostiary-axe-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS("axe")); err != nil {
		return "", err
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retry-mintimeout", "1000")
	npm.Dir = dir
	if output, err := npm.CombinedOutput(); err != nil {
		return string(output), err
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	return string(script) + ";" + runAxe, err
})

// runAxe is a function that returns the serious and critical problems of the page, found by all rules
// or by some. It does not run those that find only lesser problems.
const runAxe = `
window.runAxe = async (wanted = () => true) => {
	const runOnly = axe._audit.rules
		.filter(r => r.enabled && !r.tags.includes("experimental") && !["minor", "moderate"].includes(r.impact)).map(r => r.id).filter(wanted);
	const result = await axe.run(document, {resultTypes: ["violations"], runOnly});
	return result.violations.filter(v => v.impact === "serious" || v.impact === "critical")
		.map(v => "axe: " + v.id + " (" + v.impact + "): " + v.nodes.map(n => n.html).join(" ").slice(0, 300));
};`

// mustPassAxe fails the test if axe-core finds a serious or critical problem.
func (v *tour) mustPassAxe(page string) {
	v.t.Helper()
	script, err := axe()
	if err != nil {
		v.t.Fatalf("install axe-core: %v\n%s", err, script)
	}
	if v.withoutScript {
		v.allowScript(true) // the page is loaded, so its scripts do not run
		defer v.allowScript(false)
	}
	evaluate[bool](v.browser, script+"; true")
	found := runAction(v.browser, chromedp.Evaluate[[]string]("runAxe()", chromedp.EvalAwaitPromise))
	for _, problem := range found {
		v.t.Errorf("%s, in %q: %s", page, v.language, problem)
	}
}

// speak makes the browser ask for a language.
func (v *tour) speak(language string) {
	v.t.Helper()
	v.language = language
	v.do(command(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}}))
}

// mustSpeak fails the test if a page of the server is not in the language of the tour.
func (v *tour) mustSpeak(page string) {
	v.t.Helper()
	lang := evaluate[string](v.browser, "document.documentElement.lang")
	if !strings.HasPrefix(page, "demo") && !strings.HasPrefix(page, "mail") && v.language != "" && lang != v.language {
		v.t.Errorf("%s is in %q, want %q", page, lang, v.language)
	}
}
