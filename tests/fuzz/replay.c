/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target once over every file of the folders given as arguments: the seeds and past crashes, as a test in
 * ordinary builds.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX_BYTES ((size_t)4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is copied into memory of exactly its size, so that a sanitizer sees a read behind the end. */
static int run_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return -1;
    uint8_t *input = malloc(SEED_MAX_BYTES);
    size_t n = input != NULL ? fread(input, 1, SEED_MAX_BYTES, file) : 0;
    uint8_t *exact = malloc(n == 0 ? 1 : n);
    (void)fclose(file);
    if (input != NULL && exact != NULL) {
        memcpy(exact, input, n);
        (void)LLVMFuzzerTestOneInput(exact, n);
    }
    int result = input != NULL && exact != NULL ? 0 : -1;
    free(input);
    free(exact);
    return result;
}

/* The number of files run, or -1. */
static int run_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return -1;
    int count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (run_file(path) != 0) {
            (void)closedir(dir);
            return -1;
        }
        count++;
    }
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = run_folder(argv[i]);
        if (count <= 0) {
            (void)fprintf(stderr, "%s: no seeds, or one that cannot be read\n", argv[i]);
            return 1;
        }
        printf("%s: %d inputs\n", argv[i], count);
    }
    return 0;
}
