package account

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Root is the path of the console below the issuer.
const Root = "/account"

// page is a page of the console.
type page struct {
	path  string           // below [Root]
	title messages.Message // in the menu; empty for a page that is not in it
	group int              // of the menu, which has three
	// sensitive requires that the user authenticated a moment ago, at the highest level of the
	// account: for pages that change how users sign in.
	sensitive bool
	// badge counts what waits for the user on the page; nil for none.
	badge     func(*visit) (int, error)
	get, post func(*visit) error // post is nil if the page has no form
	hashes    bool               // post computes a password hash
	// card sums up the page on the overview; nil for none.
	card  func(*visit) (messages.Message, error)
	added *AddedPage // the handlers of a page of another package
}

// AddedPage is a page of another package, in the group of the menu for signing in. The console
// requires a session; the handlers check whether it is recent enough. Its layout is console.
type AddedPage struct {
	Path      string // below [Root]
	Title     messages.Message
	Get, Post http.HandlerFunc
}

// The groups of the menu: the user, signing in, and what has access.
const (
	groupUser = iota
	groupSignIn
	groupAccess
	groups
)

// pages returns the pages in the order of the menu.
func (c *Console) pages() []page {
	list := []page{
		{title: messages.New("account.overview"), get: c.overview},
	}
	if !c.LoginApp {
		list = append(list, page{path: "/profile", title: messages.New("account.profile"), get: c.profile, post: c.saveProfile})
		list = append(list, page{path: "/addresses", title: messages.New("account.addresses"), sensitive: true, get: addresses, post: changeAddresses})
		list = append(list, page{path: "/password", title: messages.New("account.password"), group: groupSignIn, get: c.password, post: c.savePassword, hashes: true})
	}
	for i := range c.Added {
		list = append(list, page{path: c.Added[i].Path, title: c.Added[i].Title, group: groupSignIn, added: &c.Added[i]})
	}
	list = append(list,
		page{path: "/sessions", title: messages.New("account.sessions"), group: groupAccess, get: c.sessions, post: c.endSessions, card: c.sessionsCard},
		page{path: "/applications", title: messages.New("account.applications"), group: groupAccess, get: c.applications, post: c.revoke, card: c.applicationsCard},
		page{path: approvalsPath, title: messages.New("account.approvals"), group: groupAccess, get: approvals, post: unblock, badge: countApprovals},
		page{path: approvalPath, sensitive: true, get: approval, post: decide},
		page{path: "/activity", title: messages.New("account.activity"), group: groupAccess, get: c.activity, post: c.disown},
		page{path: "/data", title: messages.New("account.data"), group: groupUser, get: data, post: requestData},
		page{path: "/data/file", sensitive: true, get: dataFile},
	)
	if !c.LoginApp {
		list = append(list, page{path: "/delete", title: messages.New("account.delete"), sensitive: true, get: deletion, post: requestDeletion})
	}
	return list
}
