// Bytes as people read them: offset, hexadecimal, text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace daybook::tools {

// Appends a line for every 16 bytes, as `hexdump -C` does. `offset` is the first byte's.
void append_hexdump(std::span<const std::byte> bytes, std::uint64_t offset, std::string& text);

}  // namespace daybook::tools
