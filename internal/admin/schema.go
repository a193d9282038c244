package admin

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
)

// object is a JSON object.
type object = map[string]any

// schemas describes Go types as JSON Schema 2020-12, which OpenAPI 3.1 uses. The schema of a
// response requires all members without omitempty; that of a request body requires the
// members with a tag need.
type schemas struct {
	named object
}

// of returns the schema of t in a request body or a response. The schema of a named struct is
// a reference to named.
func (s *schemas) of(t reflect.Type, request bool) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return object{"description": "any JSON"}
	case reflect.TypeFor[detail.Detail]():
		return object{"type": "object", "required": []string{"type"}, "properties": object{"type": object{"type": "string"}}}
	case reflect.TypeFor[client.Lifespan]():
		return object{"type": []string{"string", "null"}, "description": "a duration in the format of Go, such as 1h30m0s"}
	}
	switch t.Kind() { //nolint:exhaustive // all other kinds are numbers
	case reflect.Pointer:
		return s.of(t.Elem(), request)
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": s.of(t.Elem(), request)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem(), request)}
	case reflect.Struct:
		return s.structure(t, request)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Interface:
		return object{}
	default:
		return object{"type": "integer"}
	}
}

func (s *schemas) structure(t reflect.Type, request bool) object {
	if t.Name() == "" {
		return s.members(t, request)
	}
	name := t.Name()
	if named, ok := reflect.TypeAssert[interface{ schemaName() string }](reflect.Zero(t)); ok {
		name = named.schemaName() // the published name, where the type has another
	}
	if _, known := s.named[name]; !known {
		s.named[name] = nil // ends the recursion for a type that contains itself
		s.named[name] = s.members(t, request)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// members describes the fields that encoding/json encodes. Of several fields with the same
// name it is the one with the fewest levels of embedding.
func (s *schemas) members(t reflect.Type, request bool) object {
	properties, depth, required := object{}, map[string]int{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, tagged := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && !tagged && name == "" || !f.IsExported() || name == "-" || name == "" {
			continue
		}
		if before, known := depth[name]; known && before <= len(f.Index) {
			continue
		}
		schema := s.of(f.Type, request)
		if doc := f.Tag.Get("doc"); doc != "" {
			schema["description"] = doc
		}
		properties[name], depth[name] = schema, len(f.Index)
		optional := request && f.Tag.Get("need") == "" || !request && strings.Contains(options, "omit")
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
