//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// longTexts is the folder of the English samples whose names and addresses are long.
const longTexts = "long"

// TestEveryPageInEveryLanguage checks all pages in all their states, as package pages renders them
// in its tests: on phones in each language and from right to left, in English also in the dark, with
// long names and in wide windows. The tours check the same pages where users find them.
func TestEveryPageInEveryLanguage(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	render := exec.CommandContext(t.Context(), "go", "test", "-count", "1", "-run", "^TestPagesInEveryLanguage$", "./internal/pages", "-samples", folder)
	render.Dir = "../.."
	if output, err := render.CombinedOutput(); err != nil {
		t.Fatalf("render the pages: %v\n%s", err, output)
	}
	names, err := filepath.Glob(filepath.Join(folder, messages.English, "*.html"))
	if err != nil || len(names) == 0 {
		t.Fatalf("there are %d pages: %v", len(names), err)
	}

	v := newTour(t)
	v.open(serveSamples(t, folder) + "/samples/" + messages.English + "/home.html")
	script, err := axe()
	if err != nil {
		t.Fatalf("install axe-core: %v\n%s", err, script)
	}
	evaluate[bool](v.browser, script+checkSample+"; true")
	every := append(messages.Tags(), messages.Pseudo, longTexts)
	for _, in := range []struct {
		view

		folders []string
	}{
		{view{"phone", "light", 390, 844}, every},
		{view{"", "dark", 390, 844}, []string{messages.English}},
		{view{"", "light", 320, 568}, []string{"de", "fr", messages.Pseudo, longTexts}},
		{view{"", "light", 1280, 860}, []string{messages.English, longTexts}},
	} {
		v.emulate(in.view)
		for _, page := range names {
			name := filepath.Base(page)
			for _, language := range in.folders {
				found := runAction(v.browser, chromedp.Evaluate[[]string](fmt.Sprintf("checkSample(%q, %q)", language, name), chromedp.EvalAwaitPromise))
				for _, fault := range found {
					t.Errorf("%s in %q, %s, %d pixels wide: %s", name, language, in.scheme, in.width, fault)
				}
			}
		}
	}
}

// serveSamples serves the pages in the folder with their style.
func serveSamples(t *testing.T, folder string) string {
	t.Helper()
	p, err := pages.New(pages.Options{Cookie: session.LanguageCookie{}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", p.Static())
	mux.Handle("GET /samples/", http.StripPrefix("/samples/", http.FileServerFS(os.DirFS(folder))))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// checkSample is a function that shows a page in the document which axe-core is loaded into, and
// returns its faults. Colours do not depend on the language, and comparing them is slow, so it is
// done in English. Neither long names nor the direction change what axe-core examines.
const checkSample = `
window.checkSample = async (folder, name) => {
	const page = new DOMParser().parseFromString(await (await fetch("/samples/" + folder + "/" + name)).text(), "text/html");
	page.querySelectorAll("iframe, script, noscript").forEach(e => e.remove());
	page.querySelectorAll("#client-logo").forEach(e => e.src = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7");
	page.querySelectorAll("main button[hidden], main .with-passkey[hidden]").forEach(e => e.hidden = false);
	page.querySelectorAll("main details").forEach(e => e.open = true);
	Object.assign(document.documentElement, {lang: page.documentElement.lang, dir: page.documentElement.dir});
	document.title = page.title;
	document.body.replaceWith(document.adoptNode(page.body));
	return sampleFaults(folder === "en", folder === "` + longTexts + `");
}
window.brokenWords = () => [...document.querySelectorAll("h1, button, .button, label")].flatMap(e => {
	const words = [], texts = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/\S+/g)) {
		if (/[\u00ad-]/.test(word[0])) continue; // it breaks at the hyphen
		const range = document.createRange();
		range.setStart(texts.currentNode, word.index);
		range.setEnd(texts.currentNode, word.index + word[0].length);
		if (range.getClientRects().length > 1) words.push(word[0]);
	}
	return words;
});
window.sampleFaults = async (english, longTexts) => {
	const dark = matchMedia("(prefers-color-scheme: dark)").matches, phone = window.innerWidth === 390;
	const faults = phone && english ? ` + contrast + ` : [];
	if (phone && !dark) faults.push(...` + structure + `, ...` + belowTheFold + `.map(button => "the button " + button + " is not in view"));
	if (document.documentElement.scrollWidth > window.innerWidth) faults.push("the page is " + document.documentElement.scrollWidth + " pixels wide");
	if (phone && !/^(ja|zh)/.test(document.documentElement.lang) && !longTexts)
		for (const word of brokenWords()) faults.push("a line breaks within the word " + word);
	for (const e of document.body.querySelectorAll("main *, header *"))
		if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && !e.matches(".hidden, .hidden *")) {
			const style = getComputedStyle(e);
			if (style.overflowX === "hidden" && style.textOverflow !== "ellipsis" && style.clipPath === "none") faults.push("text is cut off: " + e.outerHTML.slice(0, 120));
		}
	if (phone && dark) faults.push(...await runAxe(rule => rule === "color-contrast"));
	if (phone && !dark && !longTexts && document.dir !== "rtl") faults.push(...await runAxe(rule => english || rule !== "color-contrast"));
	return faults;
}`
