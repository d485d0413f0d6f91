// The program behind main(): finds the command, parses its arguments, runs it.
#pragma once

#include <span>
#include <string>

#include "command.h"

namespace daybook::tools {

// `arguments` without the program's name. Returns the exit status.
int run_program(std::span<const std::string> arguments, Io& io);

}  // namespace daybook::tools
