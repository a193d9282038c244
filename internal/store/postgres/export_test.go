package postgres

// HoldWrites makes writes queue, so that those before release form one batch. queued
// returns their number.
func (e *Engine) HoldWrites() (queued func() int, release func()) {
	p := e.writing
	p.mu.Lock()
	p.leaders = maxLeaders
	p.mu.Unlock()
	queued = func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.queue)
	}
	return queued, func() {
		p.mu.Lock()
		p.leaders = 1
		p.mu.Unlock()
		p.finish(nil, nil)
	}
}
