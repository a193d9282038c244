package admin

import (
	"encoding/json"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/ostiary/ostiary/internal/client"
)

// patchStep is one step of a JSON Patch (RFC 6902).
type patchStep struct {
	Op    string          `json:"op"    need:"yes"`
	Path  string          `json:"path"  need:"yes"`
	From  string          `json:"from"`
	Value json.RawMessage `json:"value"`
}

const (
	maxSteps = 100
	// maxCopied bounds, in bytes, what the steps of a patch copy together.
	maxCopied = 64 << 10
)

// patchClient serves PATCH /clients/{id}. The patch is for what GET shows; what comes
// of it counts as if it had been put.
//
// Spec: RFC 6902; RFC 5789 section 2.
func (h *Handler) patchClient(c *Call) (*Reply, error) {
	raw, err := whole(c.Request)
	if err != nil {
		return nil, err
	}
	patch, err := readPatch(raw)
	if err != nil {
		return nil, err
	}
	return h.changeClient(c, func(known *client.Client) (string, error) {
		before, err := json.Marshal(viewClient(known))
		if err != nil {
			return "", err
		}
		said, err := patched(before, patch)
		if err != nil {
			return "", err
		}
		return h.describeClient(c, known, said)
	})
}

// patched returns the members of a client, as it is written, after a patch.
func patched(before []byte, patch jsonpatch.Patch) (said map[string]json.RawMessage, err error) {
	options := jsonpatch.NewApplyOptions()
	options.AccumulatedCopySizeLimit = maxCopied
	after, err := patch.ApplyWithOptions(before, options)
	if err != nil {
		return nil, invalid("The patch does not apply to the client.")
	}
	if err := json.Unmarshal(after, &said); err != nil || said == nil {
		return nil, invalid("The patch leaves no client.")
	}
	return said, nil
}

// readPatch reads a patch that leaves alone what a client is called.
func readPatch(raw []byte) (jsonpatch.Patch, error) {
	var steps []patchStep
	if err := json.Unmarshal(raw, &steps); err != nil || steps == nil {
		return nil, invalid("The request body must be a JSON Patch.")
	}
	if len(steps) > maxSteps {
		return nil, invalid("The patch has too many steps.")
	}
	for _, step := range steps {
		for _, path := range []string{step.Path, step.From} {
			name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
			if name == "client_id" || name == "id" {
				return nil, invalid("The client_id cannot be changed.")
			}
			if path != "" && path[0] != '/' {
				return nil, invalid("A path of the patch is none.")
			}
		}
		if step.Path == "" {
			return nil, invalid("A patch cannot replace the client as a whole.")
		}
	}
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		return nil, invalid("The request body must be a JSON Patch.")
	}
	// Hydra's command line replaces members that a client need not have, the secret among
	// them. Of a member of an object, add does the same whether or not it is set.
	add := json.RawMessage(`"add"`)
	for i, step := range steps {
		if step.Op == "replace" && !isElement(step.Path) {
			patch[i]["op"] = &add
		}
	}
	return patch, nil
}

// isElement reports whether the path of a step can be that of an element of a list, which
// add would insert.
func isElement(path string) bool {
	last := path[strings.LastIndex(path, "/")+1:]
	_, err := strconv.Atoi(last)
	return last == "-" || err == nil
}
