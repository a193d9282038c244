package login

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/scope"
)

// describeScopes returns the descriptions of scopes for a page: the texts of their records, or the
// built-in ones where the operator has declared none.
func describeScopes(ctx context.Context, source scope.Source, names []string) ([]pages.Scope, error) {
	known, err := source.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scopes: %w", err)
	}
	list := make([]pages.Scope, len(names))
	for i, name := range names {
		list[i] = describeScope(name, known.Get(name))
	}
	return list, nil
}

// resourceNames returns the names of the declared resources that a request names.
//
// Spec: RFC 8707 §2.1.
func resourceNames(ctx context.Context, source scope.Source, parameters url.Values) (names []string, err error) {
	known, err := source.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	for _, one := range apiresource.Requested(parameters) {
		if r := known.Resources().Get(one); r != nil && !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names, nil
}

// DescribeScopes returns the descriptions of scopes for a page of another package.
func DescribeScopes(ctx context.Context, source scope.Source, names []string) ([]pages.Scope, error) {
	return describeScopes(ctx, source, names)
}

// describeScope returns the description of a scope, whose record may be nil.
func describeScope(name string, record *scope.Scope) pages.Scope {
	words := pages.DescribeScope(name)
	if record == nil {
		return words
	}
	if record.Title != "" {
		words.Title = messages.Literal(record.Title)
	}
	switch {
	case record.Description != "":
		words.Text = messages.Literal(record.Description)
	case !scope.IsStandard(name) && len(record.Claims) > 0:
		words.Text = messages.New("scope.claims", "claims", strings.Join(slices.Sorted(maps.Keys(record.Claims)), ", "))
	default:
		// The built-in text does not mention claims that the operator has added.
		added := slices.DeleteFunc(slices.Sorted(maps.Keys(record.Claims)), func(claim string) bool {
			return slices.Contains(scope.StandardClaimsOf(name), claim)
		})
		if len(added) > 0 {
			words.Text = messages.New("scope.more-claims", "text", words.Text, "claims", strings.Join(added, ", "))
		}
	}
	return words
}
