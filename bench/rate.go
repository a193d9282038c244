package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/bench/flows"
)

// rates are arrival rates of open loops: operations per second, or with the suffix
// x multiples of the rate that the closed loop reached.
type rates []string

// Validate returns an error if a rate is malformed. The parser calls it.
func (r rates) Validate() error {
	for _, text := range r {
		if n, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64); err != nil || n <= 0 {
			return fmt.Errorf("invalid rate %q: must be a positive number such as 500 or 2x", text)
		}
	}
	return nil
}

// measureRates measures a flow in a closed loop, which determines the rate 1x, and
// then at every rate in an open loop.
func (cmd *runCommand) measureRates(ctx context.Context, s streams, c *measuredTarget, f *flows.Flow, p plan, round int) error {
	closed, err := cmd.measureOnce(ctx, s, c, f, p, round)
	if err != nil || closed == nil {
		return err
	}
	p.Callers = cmd.OpenCallers
	for _, text := range cmd.Rate {
		number, isMultiple := strings.CutSuffix(text, "x")
		if p.Rate, err = strconv.ParseFloat(number, 64); err != nil {
			return fmt.Errorf("read rate: %w", err)
		}
		if isMultiple {
			p.Rate *= closed.PerSecond
		}
		if _, err := cmd.measureOnce(ctx, s, c, f, p, round); err != nil {
			return err
		}
	}
	return nil
}
