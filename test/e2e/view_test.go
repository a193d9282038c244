//go:build e2e

package e2e

import (
	"os"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// view is a viewport with a colour scheme. Views with a picture name are saved.
type view struct {
	picture, scheme string
	width, height   int64
}

var views = []view{
	{"light", "light", 1280, 860},
	{"dark", "dark", 1280, 860},
	{"phone", "light", 390, 844},
	{"", "dark", 320, 568},
}

// mustFit fails the test if the page does not fit the view.
func (v *tour) mustFit(name string, view view) {
	v.t.Helper()
	v.emulate(view)
	if width := evaluate[int64](v.browser, "document.documentElement.scrollWidth"); width > view.width {
		v.t.Errorf("%s is %d pixels wide, which do not fit into %d", name, width, view.width)
	}
	if view.picture == "phone" && !strings.HasPrefix(name, "demo") && !strings.HasPrefix(name, "mail") {
		for _, button := range evaluate[[]string](v.browser, belowTheFold) {
			v.t.Errorf("%s: the button %s is not in view on a phone", name, button)
		}
	}
}

// mustContrast fails the test if texts lack contrast in the view, which the window has.
func (v *tour) mustContrast(name string, view view) {
	v.t.Helper()
	for _, fault := range evaluate[[]string](v.browser, contrast) {
		v.t.Errorf("%s in %s at %d pixels: %s", name, view.scheme, view.width, fault)
	}
}

// emulate sets the size and the colour scheme of the window.
func (v *tour) emulate(view view) {
	v.t.Helper()
	v.do(chromedp.EmulateViewport(view.width, view.height),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: view.scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}}))
}

// keep saves a screenshot of the whole page.
func (v *tour) keep(file string, view view) {
	v.t.Helper()
	height := evaluate[int64](v.browser, "Math.ceil(document.documentElement.getBoundingClientRect().height)")
	v.do(chromedp.EmulateViewport(view.width, max(view.height, height)))
	if err := os.WriteFile(file, runAction(v.browser, chromedp.CaptureScreenshot()), 0o644); err != nil {
		v.t.Fatal(err)
	}
}

func (v *tour) restore() {
	v.t.Helper()
	v.do(chromedp.ResetViewport(), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}

// mustBeAccessible fails the test if the markup or the accessibility tree has errors.
func (v *tour) mustBeAccessible(name string) {
	v.t.Helper()
	for _, fault := range evaluate[[]string](v.browser, structure) {
		v.t.Errorf("%s: %s", name, fault)
	}

	landmarks := map[string]int{}
	tree := runAction(v.browser, call(accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}))
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role := accessibleText(node.Role)
		landmarks[role]++
		switch role {
		case "RootWebArea", "button", "link", "textbox", "checkbox", "heading", "image", "DisclosureTriangle", "navigation", "region":
			if accessibleText(node.Name) == "" {
				v.t.Errorf("%s: a %s has no accessible name", name, role)
			}
		}
	}
	if landmarks["main"] != 1 || landmarks["banner"] != 1 {
		v.t.Errorf("%s: there are %d main landmarks and %d banners, want one each", name, landmarks["main"], landmarks["banner"])
	}
}

// accessibleText returns a value as a screen reader reads it.
func accessibleText(value *accessibility.Value) string {
	if value == nil || len(value.Value) < 2 {
		return ""
	}
	return string(value.Value[1 : len(value.Value)-1])
}

// belowTheFold lists the main buttons that a user has to scroll to, except those of a further section
// that has no primary one.
const belowTheFold = `[...document.querySelectorAll("main .actions > *, main > form > .row-actions > *")]
	.filter(e => e.getBoundingClientRect().bottom > window.innerHeight)
	.filter(e => !e.matches("main > h2 ~ * *, main > h2 ~ .actions > *") || e.parentElement.querySelector(".primary"))
	.map(e => e.textContent.trim())`

// structure lists errors in the markup of a page.
const structure = `(() => {
	const all = selector => [...document.querySelectorAll(selector)];
	const name = e => e.outerHTML.slice(0, 120);
	const errors = [];
	const want = (ok, message) => { if (!ok) errors.push(message); };
	want(document.documentElement.lang, "the page has no lang attribute");
	want(document.title.trim(), "the page has no title");
	want(all("h1").length === 1, "there are " + all("h1").length + " h1");
	let level = 0;
	for (const h of all("h1, h2, h3, h4")) {
		want(+h.tagName[1] <= level + 1, "a heading skips a level: " + name(h));
		level = +h.tagName[1];
	}
	const ids = all("[id]").map(e => e.id);
	want(new Set(ids).size === ids.length, "duplicate id");
	all("[aria-describedby], [aria-labelledby]").forEach(e =>
		(e.getAttribute("aria-describedby") || e.getAttribute("aria-labelledby")).split(" ").forEach(id =>
			want(document.getElementById(id), "a description is missing: " + name(e))));
	all("img:not([alt])").forEach(e => want(false, "a picture without alt: " + name(e)));
	all("input:not([type=hidden])").forEach(e => want(e.labels.length, "a field without a label: " + name(e)));
	all("input[type=password]").forEach(e => want(e.autocomplete, "a password field without autocomplete: " + name(e)));
	all("[tabindex]").forEach(e => want(e.tabIndex <= 0, "a positive tabindex: " + name(e)));
	all("[style], script:not([src]), style").forEach(e => want(false, "inline style or script: " + name(e)));
	all("a[target=_blank]").forEach(e => want(e.relList.contains("noopener"), "a link to a new tab without noopener: " + name(e)));
	all("button, .button, input:not([type=hidden]), summary").forEach(e => {
		const box = e.getBoundingClientRect();
		want(box.width === 0 || box.height >= 20 && box.width >= 20, "target too small: " + name(e));
	});
	return errors;
})()`

// contrast lists text with too little contrast to its background (WCAG 2.2, 1.4.3).
const contrast = `(() => {
	const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
	const parse = colour => {
		context.clearRect(0, 0, 1, 1);
		context.fillStyle = colour;
		context.fillRect(0, 0, 1, 1);
		return [...context.getImageData(0, 0, 1, 1).data];
	};
	const light = ([r, g, b]) => [r, g, b]
		.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = e => {
		for (; e; e = e.parentElement) {
			const colour = parse(getComputedStyle(e).backgroundColor);
			if (colour[3] === 255) return colour;
		}
		return [255, 255, 255];
	};
	const errors = [];
	for (const e of document.body.querySelectorAll("*")) {
		const texts = [...e.childNodes].filter(n => n.nodeType === 3 && n.data.trim());
		const style = getComputedStyle(e);
		if (!texts.length || style.visibility === "hidden" || !e.getClientRects().length) continue;
		const [a, b] = [light(parse(style.color)), light(ground(e))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		const size = parseFloat(style.fontSize);
		const enough = size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5;
		if (ratio < enough) errors.push("contrast of " + ratio.toFixed(2) + ", want " + enough + ": " + texts[0].data.trim().slice(0, 60));
	}
	return errors;
})()`
