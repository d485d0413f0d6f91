#include "segment/zero_check.h"

#include <algorithm>
#include <span>
#include <vector>

namespace daybook::segment {
namespace {

constexpr std::uint64_t kAtOnce = 256u << 10;

}  // namespace

Result<std::optional<std::uint64_t>> find_nonzero(const io::File& file, std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> words;
  for (std::uint64_t at = from; at < to;) {
    const std::uint64_t data = file.next_data(at);
    at = std::max(at, data / sizeof(std::uint64_t) * sizeof(std::uint64_t));
    if (at >= to) break;
    words.resize(std::min(kAtOnce, to - at) / sizeof(std::uint64_t));
    DAYBOOK_TRY(file.read_at(at, std::as_writable_bytes(std::span(words))));
    const auto found = std::ranges::find_if(words, [](std::uint64_t word) { return word != 0; });
    const auto index = static_cast<std::uint64_t>(found - words.begin());
    if (index < words.size()) return at + index * sizeof(std::uint64_t);
    at += words.size() * sizeof(std::uint64_t);
  }
  return std::nullopt;
}

}  // namespace daybook::segment
