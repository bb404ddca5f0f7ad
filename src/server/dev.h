/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast dev`: a complete server for a laptop or a CI job with one command. Its own certificate authority, a tenant, a vault
 * `dev`, an application with a client secret and a managed identity, both administrators of the vault. Everything survives a
 * restart.
 */
#pragma once

/* argv[0] is "dev". Returns the exit code. */
int server_dev_command(int argc, char **argv);
