// Package jwks keeps the signing keys: it makes, rotates, seals and publishes
// them, signs with them and verifies what they signed. It also holds the system
// secrets, under which keys and other rooms' values are sealed.
//
// It protects two promises: no token is signed by a key that a client could not
// have fetched, and no key leaves the key set while a token it signed lives.
//
// Let C be the cache lifetime of the key set. Every replica reads the store far
// more often than every C, and knows the age of what it read last, its view.
//
//   - A view is good for C. The key set served from it may be cached only for
//     what remains of that time, so no copy anywhere outlives its view's C.
//   - A next key becomes current once it has been in the store for C. By then
//     every good view and every cached copy holds it.
//   - A replica whose view is older than C does not sign until it has read the
//     store again. So a key retired at T signs nothing after T + C, and is
//     removed at T + 2C + the longest life of a token: the second C is for
//     clocks that disagree.
//   - The first keys of an empty store sign at once: nobody can hold a key set
//     from before them.
//   - A key that another server signed with can be remembered: it is a past key that
//     never signed here, under a kid of that server's choice.
//   - Each change of the key set is one compare-and-set on its version. Of two
//     replicas that rotate at once one succeeds; the other reads what it did.
//
// How long a key has been in the store is measured where the clock cannot be
// set: from when this process saw it, on the monotonic clock. Only for keys that
// are older than the process are the recorded times believed, less a margin.
// How old a view is counts on both clocks, whichever says more, since the
// monotonic one stands still while a machine sleeps. A wall clock that jumps can
// thus hurry a rotation whose next key is ready, but break neither promise. Only
// a process that starts with a clock further off than the margin could.
//
// Where Changes are followed, a view is used only while nothing was changed since it was
// read, so that a key that was withdrawn or rotated by a command is so at every replica
// when the command ends.
//
// A rotation by command is bound by the same rules. When the next key is ready
// it becomes current at once; otherwise a further next key is published, and two
// next keys mean that a rotation waits until the older one is ready.
//
// A key whose private half may be known to others is withdrawn: it leaves the key set at
// once, with what it signed, and the next key signs whether or not it is ready. That is
// the one exception to both promises, made by an operator.
//
// Replicas must agree on the algorithms and C. A key records the longest token lifetime that
// any of them was configured with while it signed, so that a shorter one may come later.
package jwks
