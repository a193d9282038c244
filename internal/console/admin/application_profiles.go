package admin

import (
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// profilesSection lists what the registration of an application lacks for each security profile.
func profilesSection(v *visit, a *application) (pages.Section, error) {
	var checks []client.ProfileCheck
	if _, err := v.call(Call{Operation: "checkOAuth2Client", Path: map[string]string{"id": a.ID}}, &checks); err != nil {
		return pages.Section{}, err
	}
	section := pages.Section{
		ID: "profiles", Heading: messages.New("console.application.profiles"), Text: messages.New("console.application.profiles.hint"),
	}
	for _, check := range checks {
		row := pages.ListRow{Class: "profile", Name: string(check.Profile)}
		if check.Holds {
			row.Facts = append(row.Facts, pages.Fact{Label: messages.New("console.application.profiles.state"), Text: messages.New("console.application.profiles.holds")})
		}
		for _, lack := range check.Lacks {
			row.Facts = append(row.Facts, pages.Fact{Label: messages.New("console.application.profiles.lacks"), Value: lack.String()})
		}
		if len(check.Lacks) == 0 {
			row.Facts = append(row.Facts, pages.Fact{Label: messages.New("console.application.profiles.lacks"), Text: messages.New("console.application.profiles.nothing")})
		}
		section.Rows = append(section.Rows, row)
	}
	return section, nil
}
