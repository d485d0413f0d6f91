// How commands say that something went wrong.
#pragma once

#include <string_view>

#include <daybook/error.h>

#include "command.h"

namespace daybook::tools {

// Prints "daybook cat: <error>" and what to try, and returns the exit status that goes with it.
int report(Io& io, std::string_view command, const Error& error);

// The same for a command line that parses but makes no sense, and for what is not an Error.
int report_usage(Io& io, std::string_view command, std::string_view message);
int report_failure(Io& io, std::string_view command, std::string_view message);

}  // namespace daybook::tools
