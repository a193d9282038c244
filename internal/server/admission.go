package server

import (
	"runtime"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// room is how much of each kind of work there is room for (ADR 0008). Each kind has
// its own, so that a flood of one leaves the others alone. What is answered from
// memory needs none.
type admissionLimits struct {
	tokens       *middleware.Admission
	checks       *middleware.Admission // of tokens: introspection, userinfo, and revocation
	pages        *middleware.Admission
	passwords    *middleware.Admission
	registration *middleware.Admission
	apps         *middleware.Admission // the operator's, that sign people in
	admin        *middleware.Admission // the operator's other programs

	// Large bodies have theirs besides, since they are read before it is asked whether
	// there is room for the work. Those of the administrators' API are apart from those
	// of the public listener, which anybody can send.
	largeJSON, largePages, largeAdmin *middleware.Admission

	// bodies are those that are being read, by listener.
	publicBodies, adminBodies *middleware.Bodies
	// connections are those of each listener.
	publicConnections, adminConnections *middleware.Connections
}

const (
	registrationSlots = 4   // that are worked on at once
	largeBodySlots    = 128 // that are in memory at once

	minConnectionsPerNetwork = 16 // of one network, where nothing is set
)

func newAdmissionLimits(s *Server) admissionLimits {
	c := s.Config
	slots := c.AdmissionSlots
	if slots == 0 {
		// Enough to keep every connection of the database and every processor busy, and to
		// fill the batches in which statements travel.
		slots = max(2*c.DatabaseMaxConnections, 16*runtime.GOMAXPROCS(0))
	}
	admission := func(rule middleware.AdmissionRule) *middleware.Admission {
		rule.Queue, rule.Wait = c.MaxConnections, c.AdmissionWait
		return middleware.NewAdmission(rule, time.Now, s.Log)
	}
	return admissionLimits{
		tokens: admission(middleware.AdmissionRule{Work: "tokens", Slots: slots}),
		checks: admission(middleware.AdmissionRule{Work: "checks", Slots: slots}),
		pages:  admission(middleware.AdmissionRule{Work: "pages", Slots: slots, Refuse: s.refusePage}),
		// No more than the hasher takes in: who is refused has spent nothing by then, no
		// statement and no guess.
		passwords:         admission(middleware.AdmissionRule{Work: "passwords", Slots: s.Hasher.Capacity(), Refuse: s.refusePage}),
		registration:      admission(middleware.AdmissionRule{Work: "registration", Slots: registrationSlots}),
		apps:              admission(middleware.AdmissionRule{Work: "apps", Slots: slots}),
		admin:             admission(middleware.AdmissionRule{Work: "administration", Slots: slots}),
		largeJSON:         admission(middleware.AdmissionRule{Work: "large bodies", Slots: largeBodySlots}),
		largeAdmin:        admission(middleware.AdmissionRule{Work: "large bodies of administration", Slots: largeBodySlots}),
		publicConnections: newConnectionLimit(s, "public"),
		adminConnections:  newConnectionLimit(s, "admin"),
		publicBodies:      middleware.NewBodies(bodyRule(s), time.Now),
		adminBodies:       middleware.NewBodies(bodyRule(s), time.Now),
		largePages:        admission(middleware.AdmissionRule{Work: "large bodies of pages", Slots: largeBodySlots, Refuse: s.refusePage}),
	}
}

// newConnectionLimit returns the bounds on the connections of a listener.
func newConnectionLimit(s *Server, listener string) *middleware.Connections {
	c := s.Config
	rule := middleware.ConnectionRule{Listener: listener, Max: c.MaxConnections, PerNetwork: c.MaxConnectionsPerNetwork, Proxies: c.TrustedProxies}
	switch {
	case !c.RateLimits:
		rule.PerNetwork = 0
	case rule.PerNetwork == 0:
		rule.PerNetwork = max(c.MaxConnections/8, minConnectionsPerNetwork)
	}
	return middleware.NewConnections(rule, s.Log)
}

// bodyRule returns the bounds of slow request bodies.
func bodyRule(s *Server) middleware.BodyRule {
	rule := middleware.BodyRule{MinRate: s.Config.MinBodyRate, PerNetwork: s.Config.MaxSlowBodiesPerNetwork}
	if !s.Config.RateLimits {
		rule.PerNetwork = 0
	}
	return rule
}
