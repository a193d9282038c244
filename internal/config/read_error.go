package config

import (
	"errors"
	"io/fs"
)

// readError returns err without the path of the file. The fault shows the path, or hides it
// if it is a misplaced secret.
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
