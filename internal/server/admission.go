package server

import (
	"runtime"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// admissionLimits holds one admission per kind of work (ADR 0008), so that a flood of one kind
// does not block the others. Responses from memory need none.
type admissionLimits struct {
	tokens       *middleware.Admission
	checks       *middleware.Admission // introspection, userinfo and revocation
	pages        *middleware.Admission
	passwords    *middleware.Admission
	registration *middleware.Admission
	apps         *middleware.Admission // custom login, consent, logout and device apps
	admin        *middleware.Admission // the rest of the admin API

	// Large bodies are admitted before the kind of work is known, since they are read first.
	// The admin API has a separate admission from the public listener, which any client can
	// flood.
	largeJSON, largePages, largeAdmin *middleware.Admission

	// Request bodies that are being read, by listener.
	publicBodies, adminBodies *middleware.SlowBodies
	// Open connections, by listener.
	publicConnections, adminConnections *middleware.Connections
}

const (
	registrationSlots = 4   // concurrent requests
	largeBodySlots    = 128 // bodies in memory

	minConnectionsPerNetwork = 16 // default for one network
)

func newAdmissionLimits(s *Server) admissionLimits {
	c := s.Config
	slots := c.AdmissionSlots
	if slots == 0 {
		// Enough to keep every database connection and every processor busy, and to fill the
		// batches of the statement pipeline.
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
		// As many as the hasher accepts: a rejected request has then executed no statement and
		// counted no attempt.
		passwords:         admission(middleware.AdmissionRule{Work: "passwords", Slots: s.Hasher.Capacity(), Refuse: s.refusePage}),
		registration:      admission(middleware.AdmissionRule{Work: "registration", Slots: registrationSlots}),
		apps:              admission(middleware.AdmissionRule{Work: "apps", Slots: slots}),
		admin:             admission(middleware.AdmissionRule{Work: "administration", Slots: slots}),
		largeJSON:         admission(middleware.AdmissionRule{Work: "large bodies", Slots: largeBodySlots}),
		largeAdmin:        admission(middleware.AdmissionRule{Work: "large bodies of administration", Slots: largeBodySlots}),
		publicConnections: newConnectionLimit(s, "public"),
		adminConnections:  newConnectionLimit(s, "admin"),
		publicBodies:      middleware.NewSlowBodies(bodyRule(s), time.Now),
		adminBodies:       middleware.NewSlowBodies(bodyRule(s), time.Now),
		largePages:        admission(middleware.AdmissionRule{Work: "large bodies of pages", Slots: largeBodySlots, Refuse: s.refusePage}),
	}
}

// newConnectionLimit returns the connection limits of a listener.
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

// bodyRule returns the limits of slow request bodies.
func bodyRule(s *Server) middleware.SlowBodyRule {
	rule := middleware.SlowBodyRule{MinRate: s.Config.MinBodyRate, PerNetwork: s.Config.MaxSlowBodiesPerNetwork}
	if !s.Config.RateLimits {
		rule.PerNetwork = 0
	}
	return rule
}
