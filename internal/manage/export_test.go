package manage

// MergePatch is mergePatch for tests.
func MergePatch(target, patch any) any { return mergePatch(target, patch) }
