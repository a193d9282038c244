package account

import (
	"errors"
	"time"
)

var (
	// ErrGroupNotFound reports an unknown group.
	ErrGroupNotFound = errors.New("group not found")
	// ErrGroupExists reports the name of a group that is taken.
	ErrGroupExists = errors.New("group exists already")
)

// Group is a group of accounts.
type Group struct {
	Name        string
	Description string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}
