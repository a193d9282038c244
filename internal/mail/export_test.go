package mail

// Compose returns the subject and the body of a message.
func (c *Composer) Compose(m *Message, secret Secret) (subject, body string, err error) {
	t, err := c.compose(m, secret)
	return t.subject, t.body, err
}
