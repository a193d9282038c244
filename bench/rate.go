package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/bench/flows"
)

// rates are arrival rates of an open loop: a number a second, or with an x behind
// it that many times what the callers reach in a closed loop.
type rates []string

// Validate refuses what is no rate. It is called by the parser.
func (r rates) Validate() error {
	for _, text := range r {
		if n, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64); err != nil || n <= 0 {
			return fmt.Errorf("%q is no rate: 500 or 2x is", text)
		}
	}
	return nil
}

// sweep measures a flow at every rate, after a closed loop that says what 1x is.
func (cmd *runCommand) sweep(ctx context.Context, s streams, c *contender, f *flows.Flow, p plan, round int) error {
	closed, err := cmd.one(ctx, s, c, f, p, round)
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
		if _, err := cmd.one(ctx, s, c, f, p, round); err != nil {
			return err
		}
	}
	return nil
}
