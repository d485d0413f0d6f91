#include "log/segment_choice.h"

namespace daybook::log {

SegmentMask segments_with(const index::Checkpoint& checkpoint, const index::Key& key) {
  const std::size_t count = checkpoint.segments().size();
  const auto found = checkpoint.find(key.kind, index::key_hash(key));
  if (!found) return SegmentMask(count, true);
  SegmentMask mask(count, false);
  if (!*found) return mask;
  for (const std::uint32_t ordinal : (*found)->segments) mask[ordinal] = true;
  return mask;
}

}  // namespace daybook::log
