#include <daybook/sourcing/command_id.h>

#include <array>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace daybook {

// Ids are looked for after restarts and by other builds: the function is set in stone.
EventId event_id_of(const CommandId& command, std::uint32_t index) {
  std::array<std::uint8_t, sizeof(CommandId) + 4> bytes{};
  std::memcpy(bytes.data(), command.data(), command.size());
  for (std::size_t i = 0; i < 4; ++i) bytes[command.size() + i] = static_cast<std::uint8_t>(index >> (8 * i));
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  EventId id;
  static_assert(sizeof(canonical) == sizeof(id));
  std::memcpy(id.data(), &canonical, sizeof(id));
  return id;
}

}  // namespace daybook
