// SPDX-License-Identifier: Apache-2.0

// Command history kills a server again and again under mixed load, and checks what its clients saw.
//
// In each round many clients work on a few secrets until the server is killed at a random moment. With -disk the disk is full now
// and then meanwhile, with -inject it fails, with -power as well what was not synced is lost with the server. It is started again
// on its data, every secret is recovered if it was deleted, and read. The history of the round, these last reads among it, must be
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
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	clients    = 8
	names      = 5
	checkLimit = 60 * time.Second

	afterRefusal = 60 * time.Millisecond // a client waits at most
	returnLimit  = 60 * time.Second
	tries        = 100 // of a request to a busy server
	openLimit    = 2   // changes of unknown outcome, of each client in a round
)

// Weights: how often of all requests a client sends one of the kind.
var weights = [kinds]int{set: 30, get: 30, update: 10, remove: 10, getDeleted: 6, recoverDeleted: 8, purge: 6}

type run struct {
	server   *server
	started  time.Time
	random   *rand.Rand
	states   map[string]secret
	trouble  trouble // nil: none
	returns  bool    // it must take changes again when the trouble is over
	total    int
	unknown  int
	full     atomic.Int64 // rejected
	returned int
}

func (r *run) now() int64 { return int64(time.Since(r.started)) }

func name(i int) string { return fmt.Sprintf("name-%d", i) }

func changes(k kind) bool { return k != get && k != getDeleted }

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

// One client: sends requests until its connection breaks. With trouble, it goes on after a 503, but not at once, and after some of
// them it only reads: the more changes of unknown outcome there are, the more histories are possible.
func (r *run) work(client, round int, seed int64) ([]porcupine.Operation, error) {
	random := rand.New(rand.NewSource(seed))
	var ops []porcupine.Operation
	open := 0
	for number := 0; ; number++ {
		text := fmt.Sprintf("r%d-c%d-%d", round, client, number)
		kind := pickKind(random)
		if open == openLimit {
			kind = get
		}
		op, err := r.one(client, input{kind, name(random.Intn(names)), text})
		if err != nil {
			return nil, err
		}
		out := op.Output.(output)
		if out.outcome == rejected {
			r.full.Add(1)
		} else if out.outcome != unknown {
			ops = append(ops, op)
		} else if changes(kind) {
			ops = append(ops, op)
			open++
		}
		if out.isCut || out.outcome == unknown && r.trouble == nil {
			return ops, nil
		}
		if out.outcome == unknown || out.outcome == rejected {
			time.Sleep(time.Duration(random.Int63n(int64(afterRefusal))))
		}
	}
}

// Waits, with trouble or without, and kills the server.
func (r *run) untilKilled(round int, longest time.Duration) error {
	stop, stopped := make(chan struct{}), make(chan error, 1)
	if r.trouble == nil {
		stopped <- nil
	} else {
		seed := r.random.Int63()
		go func() { stopped <- disturb(r.trouble, rand.New(rand.NewSource(seed)), stop) }()
	}
	time.Sleep(time.Duration(r.random.Int63n(int64(longest))))
	var failure error
	endTrouble := func() {
		close(stop)
		failure = <-stopped
	}
	isAwaited := r.returns && round%4 == 0 // in the other rounds it is killed in the middle of it
	if isAwaited {
		endTrouble()
		if failure == nil {
			failure = r.awaitReturn()
		}
	}
	err := r.server.kill()
	if !isAwaited {
		endTrouble()
	}
	if failure == nil {
		failure = err
	}
	return failure
}

// A change must be taken, of a secret that nobody looks at.
func (r *run) awaitReturn() error {
	for deadline := time.Now().Add(returnLimit); ; time.Sleep(5 * time.Millisecond) {
		out, err := r.server.send(input{set, "return", "x"})
		if err != nil {
			return err
		}
		if out.outcome == done {
			r.returned++
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the disk is well again, but after %s the server still takes no changes", returnLimit)
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
	err := r.untilKilled(round, longest)
	group.Wait()
	if err != nil {
		return nil, err
	}
	end := r.now()
	// A dead server changes nothing any more: what is unknown has happened by now, or never will.
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
			for try := 0; err == nil && op.Output.(output).outcome == rejected && try < tries; try++ {
				time.Sleep(afterRefusal)
				op, err = r.one(clients, input{k, name(i), ""})
			}
			if err != nil {
				return nil, nil, err
			}
			out := op.Output.(output)
			if out.outcome == unknown || out.outcome == rejected {
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
	if err := r.server.kill(); err != nil {
		return err
	}
	return r.verifyAudit()
}

// Prepares for the trouble that was asked for.
func (r *run) expect(disk string, diskBytes uint64, library string, isPower bool) error {
	switch {
	case disk != "":
		r.trouble = fullDiskTrouble{disk, diskBytes}
	case library != "":
		failing, err := newFailingDisk(r.server.path("control"))
		if err != nil {
			return err
		}
		if isPower {
			r.server.power = failing
		} else {
			r.trouble = failing
		}
		r.server.environment = []string{"HOLDFAST_INJECT_UNSYNCED=1",
			"LD_PRELOAD=" + library, "HOLDFAST_INJECT_UNDER=" + r.server.path("data"),
			"HOLDFAST_INJECT_CONTROL=" + r.server.path("control")}
	}
	return nil
}

func (r *run) report(rounds int) {
	fmt.Printf("%d kills in %.0f s, %d requests, %d of unknown outcome", rounds, time.Since(r.started).Seconds(), r.total, r.unknown)
	if r.server.power != nil {
		fmt.Printf(", %d power failures", r.server.cuts)
	}
	switch t := r.trouble.(type) {
	case *failingDisk:
		fmt.Printf(", %d calls failed", t.count())
	case fullDiskTrouble:
		fmt.Printf(", %d refused, as for a full disk", r.full.Load())
	}
	if r.returns {
		fmt.Printf(", %d times back by itself", r.returned)
	}
	fmt.Println(": all histories linearizable, audit log verified")
}

func main() {
	program := flag.String("program", "", "the server's program")
	rounds := flag.Int("rounds", 5, "how often it is killed")
	longest := flag.Duration("longest", 400*time.Millisecond, "it is killed before this time")
	seed := flag.Int64("seed", time.Now().UnixNano(), "of the random numbers")
	disk := flag.String("disk", "", "a tmpfs that is full now and then; the data lie there")
	diskBytes := flag.Uint64("disk-bytes", 1<<30, "its size while it is not")
	library := flag.String("inject", "", "the fault injector: writes and syncs fail now and then")
	isPower := flag.Bool("power", false, "with -inject: nothing fails, but what was not synced is lost with the server")
	returns := flag.Bool("returns", false, "the server must take changes again, without a restart, when the disk is well")
	flag.Parse()
	folder, err := os.MkdirTemp(*disk, "holdfast-kill-")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	r := run{server: &server{program: *program, folder: folder}, started: time.Now(), random: rand.New(rand.NewSource(*seed)),
		states: map[string]secret{}, returns: *returns}
	err = r.expect(*disk, *diskBytes, *library, *isPower)
	if err == nil {
		err = r.all(*rounds, *longest)
	}
	if err != nil {
		fmt.Printf("seed %d, data kept in %s: %v\n", *seed, folder, err)
		os.Exit(1)
	}
	os.RemoveAll(folder)
	r.report(*rounds)
}
