package admin

import "strconv"

// offsetParameters returns the parameters of a list that is read by page token or by offset.
func offsetParameters() []Parameter {
	return append(pageParameters(),
		Parameter{Name: "limit", Type: "integer", Description: "Number of entries to return, at most 500."},
		Parameter{Name: "offset", Type: "integer", Description: "Number of entries to skip."},
	)
}

// maxOffset is the largest accepted offset.
const maxOffset = 1 << 30

// offset reads the parameters limit and offset, the older form of paging. The offset counts
// from the position of the page token.
func (p *page) offset() (skip int, err error) {
	query := p.request.query()
	if text := query.Get("limit"); text != "" && query.Get("page_size") == "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, invalid("The parameter limit must be a number.")
		}
		if n > 0 {
			p.Size = min(n, maxPageSize)
		}
	}
	if text := query.Get("offset"); text != "" {
		if skip, err = strconv.Atoi(text); err != nil || skip < 0 || skip > maxOffset {
			return 0, invalid("The parameter offset must be a number.")
		}
	}
	p.byOffset = query.Has("limit") || query.Has("offset")
	return skip, nil
}

// linkOffsets sets X-Total-Count, unless total is negative, and the Link header, whose URLs
// page in the same form as the request: by offset or by page token.
func (p *page) linkOffsets(total, skip, listed int, last string) {
	if total >= 0 {
		p.request.header.Set("X-Total-Count", strconv.Itoa(total))
	}
	if !p.byOffset {
		p.linkNext(listed, last)
		return
	}
	at := func(rel string, offset int) {
		query := p.request.query()
		query.Set("limit", strconv.Itoa(p.Size))
		query.Set("offset", strconv.Itoa(offset))
		addLink(p.request, rel, query)
	}
	at("first", 0)
	if skip > 0 {
		at("prev", max(0, skip-p.Size))
	}
	if listed > 0 && (skip+listed < total || total < 0 && listed == p.Size) {
		at("next", skip+p.Size)
	}
	if total >= 0 {
		at("last", max(0, (total-1)/p.Size*p.Size))
	}
}
