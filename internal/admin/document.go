package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Document returns the OpenAPI 3.1 document of the operations.
func (h *Handler) Document() ([]byte, error) {
	s := &schemas{named: object{}}
	paths := object{}
	for i := range h.operations {
		o := &h.operations[i]
		path := paths[o.Path]
		if path == nil {
			path = object{}
			paths[o.Path] = path
		}
		path.(object)[strings.ToLower(o.Method)] = s.operation(o)
	}
	failed := s.of(reflect.TypeFor[failure](), false)
	text, err := json.Marshal(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Ostiary admin API", "version": h.version,
			"description": "Compatible with the admin API of Ory Hydra. Every path is served with and without the prefix /admin.",
			"license":     object{"name": "Apache 2.0", "identifier": "Apache-2.0"},
		},
		"servers": []object{{"url": "/admin"}, {"url": "/"}},
		"paths":   paths,
		"components": object{
			"schemas": s.named,
			"responses": object{"failure": object{
				"description": "An error.", "content": object{"application/json": object{"schema": failed}},
			}},
			"securitySchemes": object{"key": object{
				"type": "http", "scheme": "bearer", "description": "An API key, or an access token with a scope of the admin API.",
			}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("write OpenAPI document: %w", err)
	}
	return text, nil
}

func (s *schemas) operation(o *Operation) object {
	described := object{"operationId": o.ID, "summary": o.Summary, "security": []object{}}
	if o.Scope != "" {
		described["security"] = []object{{"key": []string{o.Scope}}}
	}
	parameters := []object{}
	for _, variable := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(o.Path, -1) {
		parameters = append(parameters, object{
			"name": variable[1], "in": "path", "required": true, "schema": object{"type": "string"},
		})
	}
	for _, p := range o.Query {
		parameters = append(parameters, object{
			"name": p.Name, "in": "query", "required": p.Required, "description": p.Description, "schema": object{"type": p.Type},
		})
	}
	if len(parameters) > 0 {
		described["parameters"] = parameters
	}
	if body := s.body(o); body != nil {
		described["requestBody"] = body
	}
	responses := object{"default": object{"$ref": "#/components/responses/failure"}}
	for status, body := range o.Responses {
		response := object{"description": http.StatusText(status)}
		if body != nil {
			response["content"] = object{"application/json": object{"schema": s.of(reflect.TypeOf(body), false)}}
		}
		responses[strconv.Itoa(status)] = response
	}
	described["responses"] = responses
	return described
}

func (s *schemas) body(o *Operation) object {
	if len(o.Form) > 0 {
		properties, required := object{}, []string{}
		for _, p := range o.Form {
			properties[p.Name] = object{"type": p.Type, "description": p.Description}
			if p.Required {
				required = append(required, p.Name)
			}
		}
		form := object{"type": "object", "properties": properties, "required": required}
		return object{"required": true, "content": object{"application/x-www-form-urlencoded": object{"schema": form}}}
	}
	if o.Body == nil {
		return nil
	}
	content := object{"application/json": object{"schema": s.of(reflect.TypeOf(o.Body), true)}}
	if o.Patch != "" {
		content[o.Patch] = content["application/json"]
	}
	return object{"required": true, "content": content}
}
