package mail

import "context"

// Outbox stores messages, and wakes the worker of this process. The zero Outbox is that of a
// server that sends no mail: it drops them.
type Outbox struct {
	Store interface {
		EnqueueMail(ctx context.Context, list ...*Message) error
	}
	Worker *Worker
}

// Enqueue adds messages to the outbox, all or none.
func (o Outbox) Enqueue(ctx context.Context, list ...*Message) error {
	if o.Store == nil || len(list) == 0 {
		return nil
	}
	if err := o.Store.EnqueueMail(ctx, list...); err != nil {
		return err
	}
	o.Worker.Wake()
	return nil
}

// Wake reports messages that were stored together with other rows.
func (o Outbox) Wake() { o.Worker.Wake() }
