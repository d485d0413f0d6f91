// The story of two accounts, told step by step.
#pragma once

#include "bank.h"

namespace bank {

// Prints each step and what came of it. Returns an exit code: 0 when everything was as the story says.
int tour(Bank& bank);

}  // namespace bank
