package httpapi

import (
	"net/http"
	"strings"
)

// SeeOther redirects with 303, so that the browser does not repeat a POST. It sends the
// location byte for byte, as the client registered it; [http.Redirect] would clean the
// path.
func SeeOther(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// AddQuery appends encoded parameters to a URL that may already have a query.
func AddQuery(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}
