package client

import "github.com/ostiary/ostiary/internal/profile"

// ProfileCheck is the comparison of a client with a security profile.
type ProfileCheck struct {
	Profile profile.Profile `json:"profile"`
	Holds   bool            `json:"holds" doc:"the client has this profile, its own or that of the server"`
	Lacks   []Lack          `json:"lacks" doc:"empty if the client meets the profile"`
}

// CheckProfiles compares the client with a security profile, or with all of them if it is empty. The server
// has its own profile.
func (c *Client) CheckProfiles(only, server profile.Profile) []ProfileCheck {
	checks := []ProfileCheck{}
	for _, p := range profile.Profiles() {
		if only == "" || only == p {
			checks = append(checks, ProfileCheck{p, c.ProfileOn(server) == p, append([]Lack{}, c.Lacks(p)...)})
		}
	}
	return checks
}
