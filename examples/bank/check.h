// Is every cent where it should be? Five ways to say what an account holds, which must agree.
#pragma once

#include <cstdint>
#include <string>

#include "bank.h"

namespace bank {

// Prints what has happened to an account, with the balance after each event. Returns an exit code.
int print_statement(Bank& bank, const std::string& id);

// Compares, for every account: the fold of all its events, its newest snapshot and what came after it, its state as of the
// last position, a projection in memory, and the read model in SQLite; and that no transfer made or lost money. Prints the
// first difference. Returns an exit code.
int check(Bank& bank);

// Opens ten accounts if there are none, and transfers between them at random, from several threads, until it is killed. Writes
// the position of each transfer that was acknowledged to stdout, a line each. Returns only on an error.
int simulate(Bank& bank, std::uint64_t seed);

}  // namespace bank
