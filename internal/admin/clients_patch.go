package admin

import (
	"encoding/json"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/ostiary/ostiary/internal/client"
)

// patchStep is one operation of a JSON Patch.
//
// Spec: RFC 6902 §4.
type patchStep struct {
	Op    string          `json:"op"    need:"yes"`
	Path  string          `json:"path"  need:"yes"`
	From  string          `json:"from"`
	Value json.RawMessage `json:"value"`
}

// Limits on a patch.
const (
	maxSteps  = 100
	maxCopied = 64 << 10 // bytes that the copy steps add in total
)

// patch serves PATCH /clients/{id}. It applies the patch to the representation that GET
// returns, and handles the result like the body of a PUT.
//
// Spec: RFC 6902, RFC 5789 §2.
func (h *clientHandler) patch(r *Request) (*Response, error) {
	raw, err := r.readBody()
	if err != nil {
		return nil, err
	}
	patch, err := parsePatch(raw)
	if err != nil {
		return nil, err
	}
	return h.change(r, func(known *client.Client) (string, error) {
		before, err := json.Marshal(viewClient(known))
		if err != nil {
			return "", err
		}
		members, err := applyPatch(before, patch)
		if err != nil {
			return "", err
		}
		return h.describe(r, known, members)
	})
}

// applyPatch returns the members of a client, encoded as before, after the patch.
func applyPatch(before []byte, patch jsonpatch.Patch) (members map[string]json.RawMessage, err error) {
	options := jsonpatch.NewApplyOptions()
	options.AccumulatedCopySizeLimit = maxCopied
	after, err := patch.ApplyWithOptions(before, options)
	if err != nil {
		return nil, invalid("The patch does not apply to the client.")
	}
	if err := json.Unmarshal(after, &members); err != nil || members == nil {
		return nil, invalid("The patch must result in a JSON object.")
	}
	return members, nil
}

// parsePatch parses a patch. It rejects patches that change the client_id.
func parsePatch(raw []byte) (jsonpatch.Patch, error) {
	var steps []patchStep
	if err := json.Unmarshal(raw, &steps); err != nil || steps == nil {
		return nil, invalid("The request body must be a JSON Patch.")
	}
	if len(steps) > maxSteps {
		return nil, invalid("The patch must have at most 100 operations.")
	}
	for _, step := range steps {
		for _, path := range []string{step.Path, step.From} {
			name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
			if name == "client_id" || name == "id" {
				return nil, invalid("The client_id cannot be changed.")
			}
			if path != "" && path[0] != '/' {
				return nil, invalid("A path of the patch must begin with a slash.")
			}
		}
		if step.Path == "" {
			return nil, invalid("The path of an operation must not be empty: a patch cannot replace the whole client.")
		}
	}
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		return nil, invalid("The request body must be a JSON Patch.")
	}
	// The command line of Ory Hydra sends replace for members that may be absent, such as the
	// secret. For members of an object, add has the same effect, and also works if the member
	// is absent.
	add := json.RawMessage(`"add"`)
	for i, step := range steps {
		if step.Op == "replace" && !isElement(step.Path) {
			patch[i]["op"] = &add
		}
	}
	return patch, nil
}

// isElement reports whether the path can be that of an array element, which add would insert
// instead of replace.
func isElement(path string) bool {
	last := path[strings.LastIndex(path, "/")+1:]
	_, err := strconv.Atoi(last)
	return last == "-" || err == nil
}
