/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two roots (LMDB calls them meta pages), in the form that data format 1 has on a machine of 64
 * bits: see MDB_meta in LMDB's mdb.c.
 */
#define _GNU_SOURCE /* O_DIRECT */
#include "store/roots.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOT_MAGIC 0xBEEFC0DEu
#define ROOT_VERSION 1u
#define ROOT_PAGE_FLAG 0x08u
#define PAGE_MIN_BYTES 512u
#define PAGE_MAX_BYTES 65536u
#define PLACES 2

struct tree {
    uint32_t pad; /* of the first: the page size */
    uint16_t flags;
    uint16_t depth;
    uint64_t pages[3];
    uint64_t entries;
    uint64_t root;
};

struct root {
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_bytes;
    struct tree trees[2]; /* free pages, content */
    uint64_t last_page;
    uint64_t number; /* of the commit */
};

struct place {
    uint64_t page;
    uint16_t pad;
    uint16_t flags;
    uint32_t bounds;
    struct root root;
};

_Static_assert(sizeof(struct tree) == 48, "as LMDB's MDB_db");
_Static_assert(sizeof(struct root) == 136, "as LMDB's MDB_meta");
_Static_assert(offsetof(struct place, root) == 16, "as LMDB's page header");

struct roots {
    struct place places[PLACES];
    size_t page_bytes;
};

static off_t offset_of(const struct roots *roots, size_t place)
{
    return (off_t)(place * roots->page_bytes);
}

/* ---- reading ---- */

static bool is_known(const struct place *place)
{
    uint32_t page_bytes = place->root.trees[0].pad;
    return (place->flags & ROOT_PAGE_FLAG) != 0 && place->root.magic == ROOT_MAGIC &&
           place->root.version == ROOT_VERSION && page_bytes >= PAGE_MIN_BYTES &&
           page_bytes <= PAGE_MAX_BYTES && (page_bytes & (page_bytes - 1)) == 0;
}

static hf_err read_place(int fd, off_t offset, struct place *out)
{
    ssize_t n = pread(fd, out, sizeof(*out), offset);
    if (n < 0)
        return hf_err_from_errno(errno);
    if (n == 0 && offset == 0)
        return HF_E_NOT_FOUND;
    return (size_t)n == sizeof(*out) && is_known(out) ? HF_OK : HF_E_FORMAT;
}

static hf_err read_roots(int fd, struct roots *out)
{
    hf_err err = read_place(fd, 0, &out->places[0]);
    if (err != HF_OK)
        return err;
    out->page_bytes = out->places[0].root.trees[0].pad;
    return read_place(fd, offset_of(out, 1), &out->places[1]);
}

/* The place of the newest commit that is not later than the given one. */
static hf_err choose(const struct roots *roots, uint64_t newest, size_t *out)
{
    uint64_t first = roots->places[0].root.number;
    uint64_t second = roots->places[1].root.number;
    size_t chosen = first < second;
    if (roots->places[chosen].root.number > newest)
        chosen = 1 - chosen;
    *out = chosen;
    uint64_t number = roots->places[chosen].root.number;
    return number == newest || newest == STORE_ROOTS_ANY ? HF_OK : HF_E_CORRUPT;
}

/* ---- writing ---- */

static hf_err write_root(int fd, const struct roots *roots, size_t place)
{
    const struct root *root = &roots->places[place].root;
    off_t offset = offset_of(roots, place) + (off_t)offsetof(struct place, root);
    ssize_t n = pwrite(fd, root, sizeof(*root), offset);
    if (n < 0)
        return hf_err_from_errno(errno);
    if ((size_t)n != sizeof(*root))
        return HF_E_IO;
    return fdatasync(fd) == 0 ? HF_OK : hf_err_from_errno(errno);
}

static bool is_as_written(const struct roots *roots, const uint8_t *pages)
{
    for (size_t i = 0; i < PLACES; i++) {
        const uint8_t *root = pages + i * roots->page_bytes + offsetof(struct place, root);
        if (memcmp(root, &roots->places[i].root, sizeof(struct root)) != 0)
            return false;
    }
    return true;
}

/* Past the cache. A file system that cannot do that is believed. */
static hf_err check_on_disk(const char *path, const struct roots *roots)
{
    HF_CLEANUP(hf_fd_closep) int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == EINVAL ? HF_OK : hf_err_from_errno(errno);
    void *pages = NULL;
    if (posix_memalign(&pages, roots->page_bytes, PLACES * roots->page_bytes) != 0)
        return HF_E_NOMEM;
    ssize_t n = pread(fd, pages, PLACES * roots->page_bytes, 0);
    hf_err err = HF_OK;
    if (n < 0)
        err = errno == EINVAL ? HF_OK : hf_err_from_errno(errno);
    else if ((size_t)n != PLACES * roots->page_bytes || !is_as_written(roots, pages))
        err = HF_E_IO;
    free(pages);
    return err;
}

hf_err store_roots_settle(const char *path, uint64_t newest)
{
    HF_CLEANUP(hf_fd_closep) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return hf_err_from_errno(errno);
    struct roots roots;
    size_t chosen = 0;
    hf_err err = read_roots(fd, &roots);
    if (err == HF_OK)
        err = choose(&roots, newest, &chosen);
    if (err != HF_OK)
        return err;

    struct root *other = &roots.places[1 - chosen].root;
    if (other->number > newest) {
        *other = roots.places[chosen].root;
        other->number--;
    }
    err = write_root(fd, &roots, 1 - chosen);
    if (err == HF_OK && newest == STORE_ROOTS_ANY)
        err = write_root(fd, &roots, chosen);
    return err == HF_OK ? check_on_disk(path, &roots) : err;
}
