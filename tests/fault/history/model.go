// SPDX-License-Identifier: Apache-2.0
package main

import "github.com/anishathalye/porcupine"

// What a request does to one secret.
type kind int

const (
	set kind = iota
	get
	update
	remove
	getDeleted
	recoverDeleted
	purge
	kinds
)

// How it ended. An unknown one may have happened or not, up to the time at which the server was gone. A rejected one has not
// happened, whatever state the secret was in: such are left out of the history.
type outcome int

const (
	done outcome = iota
	refused
	unknown
	rejected
)

type status int

const (
	absent status = iota
	active
	deleted
)

// The model of one secret: its state of life, the value and the content type of its newest version.
type secret struct {
	status      status
	value       string
	contentType string
}

type input struct {
	kind kind
	name string
	text string // set: the value; update: the content type
}

type output struct {
	outcome     outcome
	isCut       bool   // unknown, because the connection broke
	value       string // get: what was answered
	contentType string
}

// The state in which a request succeeds; a set succeeds in any but deleted.
var allowed = [kinds]status{
	get: active, update: active, remove: active,
	getDeleted: deleted, recoverDeleted: deleted, purge: deleted,
}

func (s secret) permits(in input) bool {
	if in.kind == set {
		return s.status != deleted
	}
	return s.status == allowed[in.kind]
}

func (s secret) after(in input) secret {
	switch in.kind {
	case set:
		return secret{active, in.text, ""}
	case update:
		s.contentType = in.text
	case remove:
		s.status = deleted
	case recoverDeleted:
		s.status = active
	case purge:
		return secret{}
	}
	return s
}

// The states in which a secret can be after an operation; none if it cannot have ended so.
func step(state, in, out any) []any {
	s, i, o := state.(secret), in.(input), out.(output)
	permitted := s.permits(i)
	switch {
	case o.outcome == unknown && permitted:
		return []any{s, s.after(i)}
	case o.outcome == unknown, o.outcome == refused && !permitted:
		return []any{s}
	case o.outcome == refused, !permitted:
		return nil
	case i.kind == get && (o.value != s.value || o.contentType != s.contentType):
		return nil
	}
	return []any{s.after(i)}
}

// The model of a secret that is in a known state at first.
func modelFrom(first secret) porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init:  func() []any { return []any{first} },
		Step:  step,
		Equal: func(a, b any) bool { return a == b },
	}
	return model.ToModel()
}
