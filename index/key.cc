#include "index/key.h"

#include <array>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace daybook::index {
namespace {

// DO NOT CHANGE: the ASCII of "stream", "type", "tag", "id", "schema", last letter first.
constexpr std::array<std::uint64_t, kKeyKinds> kSeeds = {0x6d6165727473, 0x65707974, 0x676174, 0x6469, 0x616d65686373};

}  // namespace

std::uint64_t key_hash(const Key& key) noexcept {
  return XXH3_64bits_withSeed(key.bytes.data(), key.bytes.size(), kSeeds[static_cast<std::size_t>(key.kind)]);
}

}  // namespace daybook::index
