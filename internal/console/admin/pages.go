package admin

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// page is a page of the console.
type page struct {
	path  string           // below the root
	title messages.Message // in the menu; empty for a page that is not in it
	group int              // of the menu
	// read and write are the scopes of the admin API that a role needs to see the page, and to
	// send its form; empty for every role.
	read, write string
	// sensitive requires that the administrator authenticated a moment ago.
	sensitive bool
	// fileBytes is the maximum size of a form with a file. Such a page requires the same already
	// to be seen: a sign-in after the form was sent would lose the file.
	fileBytes int64
	get, post func(*visit) error // post is nil if the page has no form
}

// need returns the scope for a request with the method.
func (p page) need(method string) string {
	if method == http.MethodPost {
		return p.write
	}
	return p.read
}

// The groups of the menu: the overview, what people use, what to see, and what to keep.
const (
	groupHome = iota
	groupUse
	groupSee
	groupKeep
	groups
)

// pages returns the pages in the order of the menu.
func (c *Console) pages() []page {
	all := []page{
		{title: messages.New("console.overview"), group: groupHome, get: overview},
		{path: "/applications", title: messages.New("console.applications"), group: groupUse, read: apikey.ClientsRead, get: applications},
		{path: "/applications/new", read: apikey.ClientsWrite, write: apikey.ClientsWrite, get: connect, post: createApplication, sensitive: true},
		{path: "/applications/{id}", read: apikey.ClientsRead, write: apikey.ClientsWrite, get: showApplication, post: changeApplication, sensitive: true},
		{path: "/applications/{id}/json", read: apikey.ClientsRead, write: apikey.ClientsWrite, get: applicationJSON, post: saveApplicationJSON, sensitive: true},
		{path: "/applications/{id}/try", read: apikey.ClientsWrite, write: apikey.ClientsWrite, get: showTrial, post: tryApplication},
		{path: "/people", title: messages.New("console.people"), group: groupUse, read: apikey.UsersRead, get: users},
		{path: "/people/new", read: apikey.UsersWrite, write: apikey.UsersWrite, get: newUser, post: createUser, sensitive: true},
		{path: "/people/invite", read: apikey.UsersWrite, write: apikey.UsersWrite, get: invite, post: sendInvitation, sensitive: true},
		{path: "/people/invitations", read: apikey.UsersRead, write: apikey.UsersWrite, get: invitations, post: changeInvitation, sensitive: true},
		{path: "/people/invitations/bulk", read: apikey.UsersWrite, write: apikey.UsersWrite, get: inviteMany, post: sendInvitations, sensitive: true, fileBytes: maxListBytes},
		{path: "/people/invitations/report", read: apikey.UsersRead, write: apikey.UsersWrite, get: invitations, post: downloadReport, fileBytes: maxListBytes},
		{path: "/people/{subject}", read: apikey.UsersRead, get: showUser, post: changeUser, sensitive: true},
		{path: "/groups", title: messages.New("console.groups"), group: groupUse, read: apikey.UsersRead, get: groupsPage},
		{path: "/groups/new", read: apikey.UsersWrite, write: apikey.UsersWrite, get: newGroup, post: createGroup},
		{path: "/groups/{name}", read: apikey.UsersRead, write: apikey.UsersWrite, get: showGroup, post: changeGroup},
		{path: "/attributes", title: messages.New("console.attributes"), group: groupUse, read: apikey.UsersRead, get: attributes},
		{path: "/attributes/new", read: apikey.UsersWrite, write: apikey.UsersWrite, get: newAttribute, post: createAttribute},
		{path: "/attributes/{name}", read: apikey.UsersRead, write: apikey.UsersWrite, get: editAttribute, post: changeAttribute},
		{path: "/scopes", title: messages.New("console.scopes"), group: groupUse, read: apikey.ScopesRead, write: apikey.ScopesWrite, get: scopes, post: deleteScope},
		{path: "/scopes/new", read: apikey.ScopesWrite, write: apikey.ScopesWrite, get: newScope, post: createScope},
		{path: "/scopes/{name}", read: apikey.ScopesWrite, write: apikey.ScopesWrite, get: editScope, post: saveScope},
		{path: "/resources", title: messages.New("console.resources"), group: groupUse, read: apikey.ScopesRead, get: resources},
		{path: "/resources/new", read: apikey.ScopesWrite, write: apikey.ScopesWrite, get: newResource, post: createResource},
		{path: "/resources/{identifier}", read: apikey.ScopesRead, write: apikey.ScopesWrite, get: showResource, post: changeResource},
		{path: "/audit", title: messages.New("console.audit"), group: groupSee, read: apikey.AuditRead, get: auditLog},
		{path: "/explain", title: messages.New("console.explain"), group: groupSee, read: apikey.AuditRead, get: explain},
		{path: "/sessions", title: messages.New("console.sessions"), group: groupSee, read: apikey.SessionsRead, write: apikey.SessionsWrite, get: sessions, post: endSession},
		{path: "/mail", title: messages.New("console.mail"), group: groupSee, read: apikey.UsersRead, write: apikey.UsersWrite, get: deliveries, post: retryDeliveries},
		{path: "/keys", title: messages.New("console.keys"), group: groupKeep, read: apikey.KeysRead, write: apikey.KeysWrite, sensitive: true, get: keys, post: changeKeys},
		{path: "/settings", title: messages.New("console.settings"), group: groupKeep, read: apikey.KeysRead, get: settings},
	}
	for _, p := range memberPages() {
		all = append(all, p.row())
	}
	return all
}
