package credential

// Computes returns the recipes that a check of hash computes, in order.
func (h *Hasher) Computes(hash string) (ids []string) {
	kept := h.configured
	if hash != "" {
		kept, _ = recipeOf(hash)
	}
	for _, s := range h.plan(hash, kept) {
		ids = append(ids, s.recipe)
	}
	return ids
}

// Dummies returns the dummy hashes of the added recipes.
func (h *Hasher) Dummies() (hashes []string) {
	for _, r := range h.added.all() {
		hashes = append(hashes, r.dummy)
	}
	return hashes
}
