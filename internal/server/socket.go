package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"

	"github.com/ostiary/ostiary/internal/config"
)

// listenUnix opens a Unix socket with the configured mode and group. Only the user of this
// process can connect until they are set.
func listenUnix(ctx context.Context, c *config.Config, path string) (net.Listener, error) {
	if err := removeStaleSocket(ctx, path); err != nil {
		return nil, err
	}
	restricted := c.SocketMode != 0 || c.SocketGroup != ""
	var l net.Listener
	var err error
	open := func() { l, err = (&net.ListenConfig{}).Listen(ctx, "unix", path) }
	if restricted {
		withPrivateUmask(open)
	} else {
		open()
	}
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if !restricted {
		return l, nil
	}
	if err := setSocketPermissions(c, path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// setSocketPermissions sets the group of a socket, then its mode.
func setSocketPermissions(c *config.Config, path string) error {
	if c.SocketGroup != "" {
		gid, err := groupID(c.SocketGroup)
		if err != nil {
			return fmt.Errorf("socket_group: %w", err)
		}
		if err := os.Chown(path, -1, gid); err != nil {
			return fmt.Errorf("socket_group: %w", err)
		}
	}
	mode := c.SocketMode
	if mode == 0 {
		mode = 0o660
	}
	if err := os.Chmod(path, os.FileMode(mode)); err != nil {
		return fmt.Errorf("socket_mode: %w", err)
	}
	return nil
}

// groupID returns the numeric ID of a group, given its name or its ID.
func groupID(name string) (int, error) {
	if known, err := user.LookupGroup(name); err == nil {
		name = known.Gid
	}
	gid, err := strconv.Atoi(name)
	if err != nil || gid < 0 {
		return 0, fmt.Errorf("group %q not found", name)
	}
	return gid, nil
}
