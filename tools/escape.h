// Makes bytes from a store harmless on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace daybook::tools {

// Appends `bytes` to `text`. What a terminal could obey, or a reader be deceived by, comes out as an escape: control
// characters as \n, \t or \x1b, those of Unicode (C1, line separators, direction overrides) as \u{202e}, bytes that are
// not UTF-8 as \xff. A backslash stays as it is, for JSON's sake: this is for reading, not for turning back.
void append_escaped(std::string_view bytes, std::string& text);

std::string escaped(std::string_view bytes);

// Cuts `text` (UTF-8) after `columns` characters, the last of them an ellipsis. 0 = no limit.
void cut_to_columns(std::string& text, std::size_t columns);

}  // namespace daybook::tools
