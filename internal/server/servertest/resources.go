package servertest

import (
	"encoding/json"
	"errors"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/manage"
)

// DeclareResource declares a resource, or replaces its declaration. Its definition is the text of a JSON
// object. The test stops if it is invalid.
func DeclareResource(s *Server, definition string) {
	s.TB.Helper()
	r := &apiresource.Resource{}
	Must(s.TB, json.Unmarshal([]byte(definition), &r.Definition))
	m := &manage.Resources{Store: s.Store.Resources, Now: s.Time}
	err := m.Update(s.TB.Context(), r)
	if errors.Is(err, apiresource.ErrNotFound) {
		err = m.Create(s.TB.Context(), r)
	}
	Must(s.TB, err)
}
