package config

// CIBA are the settings of backchannel authentication requests. The limits apply if RateLimits is on; 0 is
// no limit.
type CIBA struct {
	RevealUsers bool // whether clients learn that a hint names no user
	OpenPerUser int  // requests that wait for one user
	PerUser     int  // requests for one user in an hour
	PerClient   int  // requests of one client in a minute
	WrongHints  int  // hints of one client in an hour that name no user
}

// cibaKeys returns the settings of [CIBA].
func cibaKeys() []key {
	limit := number(0, 1_000_000)
	return []key{
		field("ciba_reveal_users", onOff(), func(c *Config) *bool { return &c.CIBA.RevealUsers },
			"Whether the backchannel authentication endpoint responds with `unknown_user_id` to a hint that names no user. If `off`, such a request is accepted and expires, so that a client cannot find out who has an account."),
		field("ciba_open_requests_per_user", limit, func(c *Config) *int { return &c.CIBA.OpenPerUser },
			"Maximum number of backchannel authentication requests that wait for the decision of one user. Above it, requests receive 429. 0 is no limit, as is `rate_limits: off`."),
		field("ciba_requests_per_user", limit, func(c *Config) *int { return &c.CIBA.PerUser },
			"Maximum number of those requests for one user in an hour. 0 is no limit, as is `rate_limits: off`."),
		field("ciba_requests_per_client", limit, func(c *Config) *int { return &c.CIBA.PerClient },
			"Maximum number of those requests of one client in a minute. 0 is no limit, as is `rate_limits: off`."),
		field("ciba_wrong_hints_per_client", limit, func(c *Config) *int { return &c.CIBA.WrongHints },
			"Maximum number of hints in an hour that name no user. Above it, all backchannel authentication requests of the client receive 429. 0 is no limit, as is `rate_limits: off`."),
	}
}
