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

// enter makes a server ready to be measured. What names it is "ostiary", which is
// built from this checkout; a built binary of Ostiary; the file of a
// [target.Spec]; or the issuer of any provider that lets clients register.
func enter(ctx context.Context, what string, o standOptions, t target.Options) (*contender, error) {
	spec, closeStand := &target.Spec{}, func() error { return nil }
	switch {
	case strings.Contains(what, "://"):
		spec.Issuer = what
	case strings.HasSuffix(what, ".json"):
		var err error
		if spec, err = target.ReadSpec(what); err != nil {
			return nil, err
		}
	default:
		if what != "ostiary" {
			o.Binary = what
			if _, err := os.Stat(what); err != nil {
				return nil, fmt.Errorf("no such target: %w", err)
			}
		}
		s, err := raise(ctx, o)
		if err != nil {
			return nil, err
		}
		spec, closeStand = &s.spec, s.close
	}
	c, err := watch(ctx, spec, t)
	if err != nil {
		return nil, errors.Join(err, closeStand())
	}
	watched := c.meter
	c.close = func() error { return errors.Join(watched.Close(context.WithoutCancel(ctx)), closeStand()) }
	return c, nil
}

func watch(ctx context.Context, spec *target.Spec, o target.Options) (*contender, error) {
	t, err := target.Open(ctx, spec, o)
	if err != nil {
		return nil, err
	}
	m, err := meter.New(ctx, meter.Config{Server: spec.ServerPID, Database: spec.Database})
	if err != nil {
		return nil, err
	}
	return &contender{target: t, meter: m}, nil
}
