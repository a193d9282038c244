package admin

import "strconv"

// listParameters are those of a list that can be read by pages and by numbers.
func listParameters() []Parameter {
	return append(pageParameters(),
		Parameter{Name: "limit", Type: "integer", Meaning: "How many to list, at most 500, from offset on."},
		Parameter{Name: "offset", Type: "integer", Meaning: "How many to leave out."},
	)
}

// numbered reads limit and offset, the older way to say which part of a list is
// wanted. They count from where a page token says.
func (p *page) numbered() (skip int, err error) {
	asked := p.call.URL.Query()
	if text := asked.Get("limit"); text != "" && asked.Get("page_size") == "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, invalid("The parameter limit must be a number.")
		}
		if n > 0 {
			p.Size = min(n, maxPageSize)
		}
	}
	if text := asked.Get("offset"); text != "" {
		if skip, err = strconv.Atoi(text); err != nil || skip < 0 || skip > maxOffset {
			return 0, invalid("The parameter offset must be a number.")
		}
	}
	p.byNumber = asked.Has("limit") || asked.Has("offset")
	return skip, nil
}

// maxOffset is more than anybody has clients.
const maxOffset = 1 << 30

// lead says how long the whole list is, unless total is negative, and where its parts
// are, in the way in which this part was asked for.
func (p *page) lead(total, skip, listed int, last string) {
	if total >= 0 {
		p.call.head.Set("X-Total-Count", strconv.Itoa(total))
	}
	if !p.byNumber {
		p.follow(listed, last)
		return
	}
	at := func(rel string, offset int) {
		query := p.call.URL.Query()
		query.Set("limit", strconv.Itoa(p.Size))
		query.Set("offset", strconv.Itoa(offset))
		addLink(p.call, rel, query)
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
