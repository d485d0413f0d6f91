#include <daybook/sourcing/decoder.h>

#include <algorithm>
#include <string>

namespace daybook {
namespace {

// At most `size` bytes of a name.
std::string shortened(std::string_view name, std::size_t size) {
  if (name.size() <= size) return std::string(name);
  return std::string(name.substr(0, size - 3)) + "...";
}

}  // namespace

// Names are up to 255 bytes, an error holds 184 in all: the names are cut, so that what is wrong is there.
Error about_event(const EventView& event, std::string_view rule, std::string_view detail) {
  constexpr std::size_t name_min = 16;
  const std::string place =
      " @ version " + std::to_string(event.version) + " (position " + std::to_string(event.position) + "): ";
  std::string wrong = " v" + std::to_string(event.schema_version) + ": ";
  if (!detail.empty()) (wrong += detail) += ": ";
  wrong += rule;

  constexpr std::string_view stream = "stream ";
  const std::size_t taken = stream.size() + place.size() + wrong.size();
  const std::size_t left = ErrorText::kSizeMax - std::min(ErrorText::kSizeMax, taken);
  const std::size_t type_size = std::max(name_min, std::min(event.type.size(), left / 2));
  const std::size_t stream_size = std::max(name_min, left - std::min(left, type_size));
  const std::string text =
      std::string(stream) + shortened(event.stream, stream_size) + place + shortened(event.type, type_size) + wrong;
  return {.code = Errc::bad_event, .what = "cannot decode", .detail = ErrorText(text)};
}

}  // namespace daybook
