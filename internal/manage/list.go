package manage

import (
	"errors"
	"fmt"
)

// pageSize is how many records of a list are read at a time.
const pageSize = 500

// listAll reads a list page by page. Next returns up to pageSize records that follow the key.
func listAll[T, K any](next func(after K) ([]T, error), key func(T) K) ([]T, error) {
	var all []T
	var after K
	for {
		page, err := next(after)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < pageSize {
			return all, nil
		}
		after = key(page[len(page)-1])
	}
}

// findAll finds the records with the IDs. The error joins the errors of all IDs.
func findAll[T any](ids []string, find func(id string) (T, error)) ([]T, error) {
	found := make([]T, len(ids))
	var failed []error
	for i, id := range ids {
		var err error
		if found[i], err = find(id); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", id, err))
		}
	}
	return found, errors.Join(failed...)
}

// checkKnown returns an error that names each ID that is not the key of one of the records.
func checkKnown[T any](ids []string, among []T, key func(T) string, fault string) error {
	known := make(map[string]bool, len(among))
	for _, one := range among {
		known[key(one)] = true
	}
	_, err := findAll(ids, func(id string) (string, error) {
		if !known[id] {
			return "", errors.New(fault)
		}
		return id, nil
	})
	return err
}
