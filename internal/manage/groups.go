package manage

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/account"
)

// GroupStore stores groups.
type GroupStore interface {
	// InsertGroup returns account.ErrGroupExists for a name that exists.
	InsertGroup(ctx context.Context, g *account.Group) error
	// UpdateGroup returns account.ErrGroupNotFound for an unknown name, and account.ErrChanged unless
	// the group was last changed at seen; nil allows every time.
	UpdateGroup(ctx context.Context, g *account.Group, seen *time.Time) error
	// Groups returns the groups with the names, in the order of names. Unknown names are left out.
	Groups(ctx context.Context, names []string) ([]*account.Group, error)
}

// Groups creates and changes groups of users.
type Groups struct {
	Store        GroupStore
	Now          func() time.Time
	Precondition Precondition
}

// Get returns a group, or account.ErrGroupNotFound.
func (m *Groups) Get(ctx context.Context, name string) (*account.Group, error) {
	list, err := m.Store.Groups(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, account.ErrGroupNotFound
	}
	return list[0], nil
}

// Create validates and stores a group. It returns an [InvalidUserError] or account.ErrGroupExists.
func (m *Groups) Create(ctx context.Context, name, description string) (*account.Group, error) {
	now := m.Now().Truncate(time.Microsecond)
	g := &account.Group{Name: name, Description: description, CreatedAt: now, UpdatedAt: now}
	if err := checkGroup(g); err != nil {
		return nil, err
	}
	return g, m.Store.InsertGroup(ctx, g)
}

// Describe replaces the description of a group and returns the group. It returns an
// [InvalidUserError], account.ErrGroupNotFound or the error of the precondition.
func (m *Groups) Describe(ctx context.Context, name, description string) (*account.Group, error) {
	g, err := m.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := m.Precondition.check(Version(g.UpdatedAt)); err != nil {
		return nil, err
	}
	seen := m.Precondition.seen(g.UpdatedAt)
	g.Description, g.UpdatedAt = description, m.Now().Truncate(time.Microsecond)
	if err := checkGroup(g); err != nil {
		return nil, err
	}
	return g, m.Store.UpdateGroup(ctx, g, seen)
}

const maxGroupDescription = 1000 // characters

func checkGroup(g *account.Group) error {
	if err := account.CheckNames("group", []string{g.Name}); err != nil {
		return &InvalidUserError{err}
	}
	if utf8.RuneCountInString(g.Description) > maxGroupDescription || strings.ContainsFunc(g.Description, unicode.IsControl) {
		return invalidUser("description must be at most %d characters, without control characters", maxGroupDescription)
	}
	return nil
}
