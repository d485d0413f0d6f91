// Base64 (RFC 4648, section 4: with padding, without line breaks).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace daybook::tools {

void append_base64(std::string_view bytes, std::string& text);

// Strict: the padding must be there, and the bits that it leaves over must be zero.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace daybook::tools
