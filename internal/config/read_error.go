package config

import (
	"errors"
	"io/fs"
)

// readError says why a file could not be read, without its path: a fault shows that
// itself, or hides it where somebody has put a secret in its place.
func readError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("does not exist")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("cannot be read: permission denied")
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return errors.New("cannot be read: " + err.Error())
}
