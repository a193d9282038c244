package pages

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"
)

// quietZone is the width of the margin of a QR code, in modules.
//
// Spec: ISO/IEC 18004 §5.3.8.
const quietZone = 4

// qrCode returns an SVG image of text as a QR code, with a label for screen readers, which has no
// markup. It is empty for a text that is too long for a QR code.
func qrCode(text string, label template.HTML) template.HTML {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return ""
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			width := 0
			for code.Black(x+width, y) {
				width++
			}
			if width > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quietZone, y+quietZone, width, width)
				x += width
			}
		}
	}
	size := code.Size + 2*quietZone
	return template.HTML(fmt.Sprintf( //nolint:gosec // numbers, and the label is escaped
		`<svg class="qr" viewBox="0 0 %d %d" role="img" aria-label="%s" focusable="false"><path class="qr-light" d="M0 0h%dv%dH0z"/><path class="qr-dark" d="%s"/></svg>`,
		size, size, label, size, size, path.String()))
}
