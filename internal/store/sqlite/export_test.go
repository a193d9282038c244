package sqlite

import "time"

// DisableGroupTimeout lets one transaction take many writes however long they take on a
// busy machine.
func (e *Engine) DisableGroupTimeout() { e.writing.timeout = time.Hour }

// Queued returns the number of writes in the queue.
func (e *Engine) Queued() int {
	e.writing.mu.Lock()
	defer e.writing.mu.Unlock()
	return len(e.writing.queue)
}
