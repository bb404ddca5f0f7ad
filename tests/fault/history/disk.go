// SPDX-License-Identifier: Apache-2.0
package main

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"syscall"
	"time"
)

// What is wrong with the disk, for a while. Both may be called at any time.
type trouble interface {
	begin(random *rand.Rand) error
	end() error
}

// How long it lasts, and how long there is none, at most.
const (
	troubleLimit = 60 * time.Millisecond
	peaceLimit   = 120 * time.Millisecond
)

// Begins and ends trouble until it is stopped; then it has ended.
func disturb(t trouble, random *rand.Rand, stop <-chan struct{}) error {
	for {
		for _, act := range []struct {
			do    func() error
			limit time.Duration
		}{{t.end, peaceLimit}, {func() error { return t.begin(random) }, troubleLimit}} {
			if err := act.do(); err != nil {
				return err
			}
			select {
			case <-stop:
				return t.end()
			case <-time.After(time.Duration(random.Int63n(int64(act.limit)))):
			}
		}
	}
}

// A file system in memory that is made as small as what lies in it, and large again.
type fullDiskTrouble struct {
	folder string
	bytes  uint64 // while it is large
}

const leftFree = 256 << 10 // at most, while it is full

func (d fullDiskTrouble) resize(bytes uint64) error {
	return syscall.Mount("tmpfs", d.folder, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", bytes))
}

func (d fullDiskTrouble) begin(random *rand.Rand) error {
	for attempt := 0; ; attempt++ {
		var info syscall.Statfs_t
		if err := syscall.Statfs(d.folder, &info); err != nil {
			return err
		}
		used := (info.Blocks - info.Bfree) * uint64(info.Bsize)
		err := d.resize(used + uint64(random.Int63n(2)*random.Int63n(leftFree)))
		if err == nil || attempt == 100 { // it may have grown meanwhile
			return err
		}
	}
}

func (d fullDiskTrouble) end() error { return d.resize(d.bytes) }

// Writes and syncs that fail, by the fault injector: its page, see tests/fault/inject.h.
type failingDisk struct{ page []byte }

const (
	pageBytes   = 4096
	faultNone   = 0
	faultEIO    = 3
	faultPower  = 8
	offsetFault = 0
	offsetKinds = 4
	offsetOneIn = 24
	offsetSeed  = 32
)

func newFailingDisk(path string) (*failingDisk, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := file.Truncate(pageBytes); err != nil {
		return nil, err
	}
	page, err := syscall.Mmap(int(file.Fd()), 0, pageBytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	return &failingDisk{page}, err
}

func (d *failingDisk) set(offset int, value uint64) {
	binary.LittleEndian.PutUint64(d.page[offset:], value)
}

// Writes, syncs or both; each of them, or one in a few.
func (d *failingDisk) begin(random *rand.Rand) error {
	binary.LittleEndian.PutUint32(d.page[offsetKinds:], uint32(1+random.Intn(3)))
	d.set(offsetOneIn, []uint64{1, 3, 10}[random.Intn(3)])
	d.set(offsetSeed, random.Uint64())
	binary.LittleEndian.PutUint32(d.page[offsetFault:], faultEIO)
	return nil
}

// The next call of any kind ends the process, and takes back what was not synced.
func (d *failingDisk) cutPower() {
	d.set(offsetOneIn, 1)
	binary.LittleEndian.PutUint32(d.page[offsetKinds:], 0)
	binary.LittleEndian.PutUint32(d.page[offsetFault:], faultPower)
}

func (d *failingDisk) end() error {
	binary.LittleEndian.PutUint32(d.page[offsetFault:], faultNone)
	return nil
}

// How many calls have failed.
func (d *failingDisk) count() uint64 { return binary.LittleEndian.Uint64(d.page[48:]) }
