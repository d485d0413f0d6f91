// How commands say that something went wrong.
#pragma once

#include <string_view>

#include <daybook/error.h>

#include "command.h"

namespace daybook::tools {

// What to do about it ("; try: ..."), when there is one answer; else nothing.
std::string_view advice(Errc code);

// Prints "daybook cat: <error>" and what to try, and returns the exit status that goes with it.
int report(Io& io, std::string_view command, const Error& error);
int report(Io& io, std::string_view command, const Error& error, std::string_view advice);

// The same for a command line that parses but makes no sense, and for what is not an Error.
int report_usage(Io& io, std::string_view command, std::string_view message);
int report_failure(Io& io, std::string_view command, std::string_view message);

}  // namespace daybook::tools
