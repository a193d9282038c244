package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ostiary/ostiary/bench/meter"
	"github.com/ostiary/ostiary/bench/target"
)

// openTarget prepares a server for measurement. Its name is "ostiary", which is
// built from this checkout and started; the path of a built binary of Ostiary; the
// path of a [target.Spec]; or the issuer of a provider with open registration.
func openTarget(ctx context.Context, name string, o instanceOptions, t target.Options) (*measuredTarget, error) {
	spec, closeInstance := &target.Spec{}, func() error { return nil }
	switch {
	case strings.Contains(name, "://"):
		spec.Issuer = name
	case strings.HasSuffix(name, ".json"):
		var err error
		if spec, err = target.ReadSpec(name); err != nil {
			return nil, err
		}
	default:
		if name != "ostiary" {
			o.Binary = name
			if _, err := os.Stat(name); err != nil {
				return nil, fmt.Errorf("no such target: %w", err)
			}
		}
		s, err := startInstance(ctx, o)
		if err != nil {
			return nil, err
		}
		spec, closeInstance = &s.spec, s.close
	}
	c, err := newMeasuredTarget(ctx, spec, t)
	if err != nil {
		return nil, errors.Join(err, closeInstance())
	}
	m := c.meter
	c.close = func() error { return errors.Join(m.Close(context.WithoutCancel(ctx)), closeInstance()) }
	return c, nil
}

func newMeasuredTarget(ctx context.Context, spec *target.Spec, o target.Options) (*measuredTarget, error) {
	t, err := target.Open(ctx, spec, o)
	if err != nil {
		return nil, err
	}
	m, err := meter.New(ctx, meter.Config{Server: spec.ServerPID, Database: spec.Database})
	if err != nil {
		return nil, err
	}
	return &measuredTarget{target: t, meter: m}, nil
}
