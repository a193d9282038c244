package middleware

import "context"

// pass is what an admitted request has: a slot until its answer begins. It is for the
// goroutine of the request alone.
type pass struct {
	admission *Admission
	leave     func() // nil while there is no slot
	over      bool   // since the answer has begun
}

// end gives the slot back for good.
func (p *pass) end() {
	p.over = true
	if p.leave != nil {
		p.leave()
		p.leave = nil
	}
}

// Aside runs act, which waits for somebody else's server, without the slot of the
// request that ctx belongs to. Some who hang would otherwise keep everybody out.
//
// Who comes back has the next slot, before those who have done nothing yet: there may
// be no way to undo what was done.
func Aside(ctx context.Context, act func()) {
	arrived := arrivalOf(ctx)
	if arrived == nil || arrived.pass == nil || arrived.pass.over || arrived.pass.leave == nil {
		act()
		return
	}
	p := arrived.pass
	p.leave()
	p.leave = nil
	act()
	p.leave = p.admission.comeBack(ctx)
}

// comeBack takes a slot again. If ctx ends before, there is none, and nothing left to
// do with it.
func (a *Admission) comeBack(ctx context.Context) (leave func()) {
	w := a.comesBack()
	if w != nil {
		select {
		case <-w.turn:
		case <-ctx.Done():
			a.giveUp(w)
			return nil
		}
	}
	return a.leaving()
}

// comesBack takes a free slot, or else a place before the line.
func (a *Admission) comesBack() *waiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.free > 0 {
		a.free--
		return nil
	}
	w := &waiter{turn: make(chan bool, 1)}
	a.line.addBack(w)
	return w
}
