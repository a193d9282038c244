// Package jwks holds the signing keys: it generates, rotates, seals and publishes them,
// signs tokens with them and verifies the tokens that they signed.
//
// It guarantees that no token is signed with a key that a client could not have fetched,
// and that no key is removed from the key set before the tokens that it signed expire.
//
// Let C be the cache lifetime of the key set. Every replica reads the store far more often
// than every C, and knows the age of its last reading, the snapshot.
//
//   - A snapshot is valid for C. The key set served from it may be cached only for the rest
//     of that time, so every cached copy expires with its snapshot.
//   - A next key becomes current when it has been in the store for C. By then every valid
//     snapshot and every cached copy contains it.
//   - A replica with a snapshot older than C does not sign before it has read the store
//     again. So a key retired at time T signs nothing after T + C, and is removed at
//     T + 2C + the longest token lifetime: the second C allows for clock skew.
//   - The first keys of an empty store sign immediately: no cached key set is older.
//   - A key of another server can be added as a foreign key: a past key that never signed
//     here, with the kid of the other server.
//   - Each change of the key set is one compare-and-set on its version. If two replicas
//     rotate concurrently, one succeeds and the other reads the result.
//
// The time that a key has been in the store is measured on the monotonic clock, from the
// moment when this process first saw it. Recorded times are used only for keys that are
// older than the process, reduced by a margin. The age of a snapshot is the larger one of
// both clocks, since the monotonic clock stops while a machine sleeps. A jump of the wall
// clock can advance a rotation whose next key is ready, but breaks no guarantee. Only a
// process that starts with a clock error above the margin could.
//
// With [Config.Changes], a snapshot is used only while no change was made since its reading,
// so that a withdrawal or rotation by command is in force at every replica when the command
// returns.
//
// The same rules apply to a rotation by command. If the next key is ready it becomes current
// immediately; otherwise another next key is published, and two next keys mean that a
// rotation is pending until the older one is ready.
//
// Withdrawing a key whose private half may have leaked is the one exception to both
// guarantees: the key leaves the key set immediately, its tokens become invalid, and the
// next key signs even if it is not ready.
//
// Replicas must agree on the algorithms and on C. A key records the longest token lifetime
// that any replica was configured with while it signed, so the lifetime can be reduced later.
package jwks
