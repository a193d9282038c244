package clientauth

import (
	"context"

	"github.com/ostiary/ostiary/internal/client"
)

func (a *Authenticator) byAssertion(context.Context, credentials) (*client.Client, error) {
	return nil, unacceptable("client_assertion_type is not supported")
}
