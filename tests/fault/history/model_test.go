// SPDX-License-Identifier: Apache-2.0
package main

import (
	"testing"

	"github.com/anishathalye/porcupine"
)

func at(call, end int64, kind kind, text string, out output) porcupine.Operation {
	return porcupine.Operation{Input: input{kind, "a", text}, Call: call, Output: out, Return: end}
}

func TestHistories(t *testing.T) {
	ok, no, open := output{}, output{outcome: refused}, output{outcome: unknown}
	got := func(value string) output { return output{value: value} }
	cases := []struct {
		name   string
		wanted bool
		ops    []porcupine.Operation
	}{
		{"acknowledged write lost", false, []porcupine.Operation{at(1, 2, set, "x", ok), at(3, 4, get, "", no)}},
		{"stale read", false, []porcupine.Operation{at(1, 2, set, "x", ok), at(3, 4, set, "y", ok), at(5, 6, get, "", got("x"))}},
		{"read of what nobody wrote", false, []porcupine.Operation{at(1, 2, set, "x", ok), at(3, 4, get, "", got("z"))}},
		{"read goes back", false, []porcupine.Operation{
			at(1, 2, set, "x", ok), at(3, 9, set, "y", ok), at(4, 5, get, "", got("y")), at(6, 7, get, "", got("x"))}},
		{"set over a deleted one", false, []porcupine.Operation{
			at(1, 2, set, "x", ok), at(3, 4, remove, "", ok), at(5, 6, set, "y", ok)}},
		{"deleted twice", false, []porcupine.Operation{at(1, 2, set, "x", ok), at(3, 9, remove, "", ok), at(3, 9, remove, "", ok)}},
		{"recovered after purge", false, []porcupine.Operation{
			at(1, 2, set, "x", ok), at(3, 4, remove, "", ok), at(5, 6, purge, "", ok), at(7, 8, recoverDeleted, "", ok)}},
		{"update lost", false, []porcupine.Operation{at(1, 2, set, "x", ok), at(3, 4, update, "t", ok), at(5, 6, get, "", got("x"))}},
		{"refused but done", false, []porcupine.Operation{at(1, 2, set, "x", no), at(3, 4, get, "", got("x"))}},
		{"unknown one comes and goes", false, []porcupine.Operation{
			at(1, 9, set, "x", open), at(3, 4, get, "", got("x")), at(5, 6, get, "", no)}},
		{"unknown one happens too late", false, []porcupine.Operation{
			at(1, 2, set, "x", open), at(3, 4, get, "", no), at(5, 6, get, "", got("x"))}},
		{"unknown one happened", true, []porcupine.Operation{at(1, 2, set, "x", open), at(3, 4, get, "", got("x"))}},
		{"unknown one did not", true, []porcupine.Operation{at(1, 2, set, "x", open), at(3, 4, get, "", no)}},
		{"concurrent read sees either", true, []porcupine.Operation{
			at(1, 9, set, "x", ok), at(2, 3, get, "", no), at(4, 5, get, "", got("x"))}},
		{"whole life", true, []porcupine.Operation{
			at(1, 2, set, "x", ok), at(3, 4, remove, "", ok), at(5, 6, getDeleted, "", ok), at(7, 8, set, "y", no),
			at(9, 10, recoverDeleted, "", ok), at(11, 12, get, "", got("x")), at(13, 14, remove, "", ok), at(15, 16, purge, "", ok),
			at(17, 18, get, "", no)}},
	}
	for _, c := range cases {
		if linear := porcupine.CheckOperations(modelFrom(secret{}), c.ops); linear != c.wanted {
			t.Errorf("%s: linearizable: %v", c.name, linear)
		}
	}
}
