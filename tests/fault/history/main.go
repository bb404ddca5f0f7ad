// SPDX-License-Identifier: Apache-2.0

// Command history kills a server again and again under mixed load, and checks what its clients saw.
//
// In each round many clients work on a few secrets until the server is killed at a random moment. It is started again on its
// data, every secret is recovered if it was deleted, and read. The history of the round, these last reads among it, must be
// linearizable for each secret, from the state that the round before ended in: so no acknowledged change is lost, and what was
// not acknowledged has happened once or not at all.
package main

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	clients    = 8
	names      = 5
	checkLimit = 60 * time.Second
)

// Weights: how often of all requests a client sends one of the kind.
var weights = [kinds]int{set: 30, get: 30, update: 10, remove: 10, getDeleted: 6, recoverDeleted: 8, purge: 6}

type run struct {
	server  *server
	started time.Time
	random  *rand.Rand
	states  map[string]secret
	total   int
	unknown int
}

func (r *run) now() int64 { return int64(time.Since(r.started)) }

func name(i int) string { return fmt.Sprintf("name-%d", i) }

func pickKind(random *rand.Rand) kind {
	left := random.Intn(100)
	for k, weight := range weights {
		if left -= weight; left < 0 {
			return kind(k)
		}
	}
	return get
}

// Sends and records one request; its end is open while its outcome is unknown.
func (r *run) one(client int, in input) (porcupine.Operation, error) {
	call := r.now()
	out, err := r.server.send(in)
	return porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: r.now()}, err
}

// One client: sends requests until the first whose outcome is unknown.
func (r *run) work(client, round int, seed int64) ([]porcupine.Operation, error) {
	random := rand.New(rand.NewSource(seed))
	var ops []porcupine.Operation
	for number := 0; ; number++ {
		text := fmt.Sprintf("r%d-c%d-%d", round, client, number)
		op, err := r.one(client, input{pickKind(random), name(random.Intn(names)), text})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
		if op.Output.(output).outcome == unknown {
			return ops, nil
		}
	}
}

// All clients at work until the server is killed.
func (r *run) load(round int, longest time.Duration) ([]porcupine.Operation, error) {
	var all []porcupine.Operation
	var failure error
	var lock sync.Mutex
	var group sync.WaitGroup
	for client := 0; client < clients; client++ {
		group.Add(1)
		seed := r.random.Int63()
		go func(client int) {
			defer group.Done()
			ops, err := r.work(client, round, seed)
			lock.Lock()
			defer lock.Unlock()
			all = append(all, ops...)
			if err != nil {
				failure = err
			}
		}(client)
	}
	time.Sleep(time.Duration(r.random.Int63n(int64(longest))))
	r.server.kill()
	group.Wait()
	// A dead server changes nothing any more: what is unknown has happened by now, or never will.
	end := r.now()
	for i := range all {
		if all[i].Output.(output).outcome == unknown {
			all[i].Return = end
			r.unknown++
		}
	}
	return all, failure
}

// Brings every secret into a state that can be read whole, and reads it.
func (r *run) settle() ([]porcupine.Operation, map[string]secret, error) {
	var ops []porcupine.Operation
	states := map[string]secret{}
	for i := 0; i < names; i++ {
		for _, k := range []kind{getDeleted, recoverDeleted, get} {
			op, err := r.one(clients, input{k, name(i), ""})
			if err != nil {
				return nil, nil, err
			}
			out := op.Output.(output)
			if out.outcome == unknown {
				return nil, nil, fmt.Errorf("the server does not answer after its restart")
			}
			if k == get && out.outcome == done {
				states[name(i)] = secret{active, out.value, out.contentType}
			}
			ops = append(ops, op)
		}
	}
	return ops, states, nil
}

func (r *run) check(ops []porcupine.Operation) error {
	by := map[string][]porcupine.Operation{}
	for _, op := range ops {
		by[op.Input.(input).name] = append(by[op.Input.(input).name], op)
	}
	for name, list := range by {
		result := porcupine.CheckOperationsTimeout(modelFrom(r.states[name]), list, checkLimit)
		if result == porcupine.Ok {
			continue
		}
		for _, op := range list {
			fmt.Printf("%d %+v %d..%d %+v\n", op.ClientId, op.Input, op.Call, op.Return, op.Output)
		}
		return fmt.Errorf("the history of %s from %+v is not linearizable (%s)", name, r.states[name], result)
	}
	return nil
}

func (r *run) round(round int, longest time.Duration) error {
	ops, err := r.load(round, longest)
	if err != nil {
		return err
	}
	if round%10 == 0 {
		if err := r.verifyAudit(); err != nil {
			return err
		}
	}
	if err := r.server.start(round%2 == 0); err != nil {
		return err
	}
	last, states, err := r.settle()
	if err != nil {
		return err
	}
	ops = append(ops, last...)
	r.total += len(ops)
	if err := r.check(ops); err != nil {
		return err
	}
	r.states = states
	return nil
}

func (r *run) verifyAudit() error {
	text, err := exec.Command(r.server.program, "audit", "verify", "--data", r.server.path("data")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("audit verify: %w: %s", err, text)
	}
	return nil
}

func (r *run) all(rounds int, longest time.Duration) error {
	if err := r.server.start(true); err != nil {
		return err
	}
	defer func() { r.server.kill() }()
	for round := 1; round <= rounds; round++ {
		if err := r.round(round, longest); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	r.server.kill()
	return r.verifyAudit()
}

func main() {
	program := flag.String("program", "", "the server's program")
	rounds := flag.Int("rounds", 5, "how often it is killed")
	longest := flag.Duration("longest", 400*time.Millisecond, "it is killed before this time")
	seed := flag.Int64("seed", time.Now().UnixNano(), "of the random numbers")
	flag.Parse()
	folder, err := os.MkdirTemp("", "holdfast-kill-")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	r := run{server: &server{program: *program, folder: folder}, started: time.Now(), random: rand.New(rand.NewSource(*seed)),
		states: map[string]secret{}}
	if err := r.all(*rounds, *longest); err != nil {
		fmt.Printf("seed %d, data kept in %s: %v\n", *seed, folder, err)
		os.Exit(1)
	}
	os.RemoveAll(folder)
	fmt.Printf("%d kills in %.0f s, %d requests, %d of unknown outcome: all histories linearizable, audit log verified\n",
		*rounds, time.Since(r.started).Seconds(), r.total, r.unknown)
}
