package admin

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// object is one of JSON.
type object = map[string]any

// schemas describes Go types as JSON Schema 2020-12, which OpenAPI 3.1 uses: as they
// are written, or where said is set as they are read, when nothing has to be there but
// what is tagged so.
type schemas struct {
	named object
}

// of returns the schema of t. That of a structure that has a name is kept once, and
// referred to.
func (s *schemas) of(t reflect.Type, said bool) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return object{"description": "any JSON"}
	case reflect.TypeFor[client.Lifespan]():
		return object{"type": []string{"string", "null"}, "description": "a duration as Go writes it, such as 1h30m0s"}
	}
	switch t.Kind() { //nolint:exhaustive // all other kinds are numbers
	case reflect.Pointer:
		return s.of(t.Elem(), said)
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": s.of(t.Elem(), said)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem(), said)}
	case reflect.Struct:
		return s.structure(t, said)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Interface:
		return object{}
	default:
		return object{"type": "integer"}
	}
}

func (s *schemas) structure(t reflect.Type, said bool) object {
	if t.Name() == "" {
		return s.members(t, said)
	}
	if _, known := s.named[t.Name()]; !known {
		s.named[t.Name()] = nil // where it holds itself
		s.named[t.Name()] = s.members(t, said)
	}
	return object{"$ref": "#/components/schemas/" + t.Name()}
}

// members describes the fields as encoding/json writes them: of several that have a
// name the one that is embedded least.
func (s *schemas) members(t reflect.Type, said bool) object {
	properties, depth, required := object{}, map[string]int{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, tagged := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && !tagged && name == "" || !f.IsExported() || name == "-" || name == "" {
			continue
		}
		if before, known := depth[name]; known && before <= len(f.Index) {
			continue
		}
		schema := s.of(f.Type, said)
		if doc := f.Tag.Get("doc"); doc != "" {
			schema["description"] = doc
		}
		properties[name], depth[name] = schema, len(f.Index)
		optional := said && f.Tag.Get("need") == "" || !said && strings.Contains(options, "omit")
		required = slices.DeleteFunc(required, func(r string) bool { return r == name })
		if !optional {
			required = append(required, name)
		}
	}
	schema := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		schema["required"] = required
	}
	return schema
}
