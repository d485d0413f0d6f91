// Sixteen bytes as "01234567-89ab-cdef-0123-456789abcdef".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <daybook/types.h>

namespace daybook::tools {

std::string format_uuid(const Uuid& uuid);

// With the four hyphens or without any, either case.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace daybook::tools
