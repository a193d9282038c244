package authorize

import (
	"context"
	"net/url"

	"github.com/ostiary/ostiary/internal/authrequest"
)

// open reads a new request, which may come as a request object. The client must
// stand beside the object, and what the object says is then read as if it had come
// in its place.
//
// What is wrong with an object goes to the address beside it, if the client
// registered that one: the address within is not to be believed.
//
// Spec: OpenID Connect Core §6; RFC 9101 §5, §6.3.
func (h *Handler) open(ctx context.Context, form url.Values) (*asked, error) {
	c, err := h.sender(ctx, form)
	if err != nil {
		return nil, err
	}
	opened, err := h.RequestObjects.Open(ctx, c, form)
	if err == nil {
		opened.Del(authrequest.SubjectParameter) // ours alone to write
		return h.read(ctx, opened)
	}
	a, unknown := address(c, form)
	if unknown != nil {
		return nil, err
	}
	if unclear := readMode(a); unclear != nil {
		return a, unclear
	}
	return a, err
}
