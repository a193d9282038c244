package pages

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Consent asks the user to allow the requested access. The form posts the fields request,
// decision ("accept" or "deny"), remember ("on") to remember the decision, the [ScopeField] of each
// optional scope that the user accepts, and the [DetailField] of each such detail.
type Consent struct {
	Client Client
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request string
	// RedirectHost is the host that receives the response.
	RedirectHost string
	// DisplayName and Username belong to the signed-in user.
	DisplayName, Username string
	Details               []Detail
	Scopes                []Scope
	// Resources are the names of the services for which the application gets access.
	Resources []string
	// Lifetime, if positive, is the maximum lifetime of the access.
	Lifetime time.Duration
	// Remember shows the checkbox for remembering the decision. Omit it if the next request
	// needs consent anyway.
	Remember bool
	// SwitchURL is the sign-in page for another account; empty hides the link.
	SwitchURL string
}

// Scope describes a requested scope to the user.
type Scope struct {
	Name        string
	Title, Text messages.Message
	// Icon is the name of an icon in icons.html.
	Icon string
	// Optional shows a checkbox, so that the user can refuse the scope alone.
	Optional bool
}

// Detail describes a requested authorization detail to the user, in the languages of its type.
type Detail struct {
	Words map[string]detail.Words
}

// DetailField returns the name of the form field of the detail with an index in the request.
func DetailField(i int) string { return "detail " + strconv.Itoa(i) }

// ScopeField returns the name of the form field of an optional scope.
func ScopeField(scope string) string { return "scope " + scope }

// Consent writes the consent page.
func (p *Pages) Consent(w http.ResponseWriter, r *http.Request, status int, v Consent) {
	p.render(w, r, status, "consent", v)
}

// DescribeScope returns the built-in description of a scope. For an unknown scope it is the
// name, with a note that there is no description.
//
// Spec: OpenID Connect Core §5.4, §11.
func DescribeScope(name string) Scope {
	key := name
	var icon string
	switch name {
	case "openid":
		icon = "key"
	case "profile":
		icon = "user"
	case "email":
		icon = "mail"
	case "address":
		icon = "home"
	case "phone":
		icon = "phone"
	case "offline_access", "offline":
		key, icon = "offline", "clock"
	default:
		return Scope{Name: name, Title: messages.Literal(name), Text: messages.New("scope.unknown.text"), Icon: "unknown"}
	}
	return Scope{
		Name: name, Title: messages.New("scope." + key + ".title"), Text: messages.New("scope." + key + ".text"), Icon: icon,
	}
}
