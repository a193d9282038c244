package login

import (
	"context"
	"fmt"
	"net/http"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/scope"
)

// describeDetails returns the details in the words of their types, without details that cannot be put
// in words now.
func describeDetails(ctx context.Context, source scope.Source, list detail.List) (described []pages.Detail, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	known, err := source.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read authorization details types: %w", err)
	}
	for _, d := range list {
		if words := known.Details().Words(d); len(words) > 0 {
			described = append(described, pages.Detail{Words: words})
		}
	}
	return described, nil
}

// DescribeDetails returns the details in the words of their types, for a page of another package. It
// leaves out details that cannot be put in words.
func DescribeDetails(ctx context.Context, source scope.Source, list detail.List) ([]pages.Detail, error) {
	return describeDetails(ctx, source, list)
}

// details returns the requested details, as the authorization endpoint stored them.
func (f *flow) details() detail.List {
	list, _ := detail.Parse(f.parameters.Get(detail.Parameter)) // it was checked
	return list
}

// acceptedDetails returns the details that the user accepts on the form: those whose box is ticked.
func (f *flow) acceptedDetails(r *http.Request) (accepted detail.List) {
	for i, d := range f.details() {
		if r.PostForm.Has(pages.DetailField(i)) {
			accepted = append(accepted, d)
		}
	}
	return accepted
}
