#include "hexdump.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace daybook::tools {

void append_hexdump(std::span<const std::byte> bytes, std::uint64_t offset, std::string& text) {
  constexpr std::size_t kWidth = 16;
  auto out = std::back_inserter(text);
  for (std::size_t at = 0; at < bytes.size(); at += kWidth) {
    const auto row = bytes.subspan(at, std::min(kWidth, bytes.size() - at));
    fmt::format_to(out, "{:08x} ", offset + at);
    for (std::size_t i = 0; i < kWidth; ++i) {
      if (i == kWidth / 2) text += ' ';
      if (i < row.size()) {
        fmt::format_to(out, " {:02x}", static_cast<unsigned>(row[i]));
      } else {
        text += "   ";
      }
    }
    text += "  |";
    for (const std::byte byte : row) {
      const char character = static_cast<char>(byte);
      text += character >= ' ' && character <= '~' ? character : '.';
    }
    text += "|\n";
  }
}

}  // namespace daybook::tools
